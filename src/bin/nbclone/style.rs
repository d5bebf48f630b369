// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! How text looks: colours and lines as wide as the terminal, or plain.
#![allow(unsafe_code)]

use std::io::{IsTerminal, stderr};

/// How a piece of text is meant.
#[derive(Clone, Copy)]
pub enum Tone {
    /// A heading, a call site.
    Strong,
    /// In order.
    Good,
    /// To be changed.
    Bad,
    /// To be looked at.
    Doubtful,
    /// Less important.
    Faint,
}

/// How text is written.
#[derive(Clone, Copy, Default)]
pub struct Style {
    colours: bool,
    /// Columns; `None`: lines are as long as they are.
    width: Option<usize>,
}

mod ioctl {
    nix::ioctl_read_bad!(window_size, libc::TIOCGWINSZ, libc::winsize);
}

impl Style {
    /// For standard error: plain unless it is a terminal; without colours where
    /// `NO_COLOR` is set or the terminal has none.
    pub fn of_stderr() -> Style {
        if !stderr().is_terminal() {
            return Style::default();
        }
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let has_colours = variable("TERM").is_some_and(|name| name != "dumb");
        Style { colours: has_colours && variable("NO_COLOR").is_none(), width: columns() }
    }

    /// A piece of text.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.colours {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Strong => 1,
            Tone::Good => 32,
            Tone::Bad => 31,
            Tone::Doubtful => 33,
            Tone::Faint => 2,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// A line, broken at spaces where it is too long; what follows stands under
    /// `indent` columns. Sequences for colours take none.
    pub fn wrap(&self, line: &str, indent: usize) -> String {
        /// A narrower terminal gets long lines: it breaks them itself.
        const NARROWEST: usize = 40;
        let Some(width) = self.width.filter(|&width| width >= NARROWEST.max(indent + 20)) else {
            return line.to_owned();
        };
        let mut text = String::new();
        let mut column = 0;
        for (number, word) in line.split(' ').enumerate() {
            let length = columns_of(word);
            if number > 0 && column > indent && column + 1 + length > width {
                text.push('\n');
                text.push_str(&" ".repeat(indent));
                column = indent;
            } else if number > 0 {
                text.push(' ');
                column += 1;
            }
            // Flags make a word that may fit on no line.
            for piece in word.split_inclusive('|') {
                let length = columns_of(piece);
                if column > indent && column + length > width {
                    text.push('\n');
                    text.push_str(&" ".repeat(indent));
                    column = indent;
                }
                text.push_str(piece);
                column += length;
            }
        }
        text
    }

    /// Columns before what belongs to a line above: fewer on a narrow terminal.
    pub fn indent(&self, usual: usize) -> usize {
        const WIDE: usize = 60;
        const NARROW: usize = 4;
        if self.width.is_some_and(|width| width < WIDE) { usual.min(NARROW) } else { usual }
    }
}

fn columns_of(word: &str) -> usize {
    let mut count = 0;
    let mut in_sequence = false;
    for character in word.chars() {
        match character {
            '\x1b' => in_sequence = true,
            'm' if in_sequence => in_sequence = false,
            _ if in_sequence => {}
            _ => count += 1,
        }
    }
    count
}

fn columns() -> Option<usize> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: a structure for the kernel to fill.
    unsafe { ioctl::window_size(libc::STDERR_FILENO, &raw mut size) }.ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}
