// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! Assertions about text, whose failure says what was expected and what came.

/// Fails unless `text` contains `expected`.
#[track_caller]
pub fn assert_has(text: &str, expected: &str) {
    assert!(text.contains(expected), "expected {expected:?} in\n{text}");
}

/// Fails if `text` contains `unwanted`.
#[track_caller]
pub fn assert_lacks(text: &str, unwanted: &str) {
    assert!(!text.contains(unwanted), "expected no {unwanted:?} in\n{text}");
}
