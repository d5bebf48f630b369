// SPDX-License-Identifier: MIT OR Apache-2.0
// Copyright (c) 2026 The nbclone developers
//! nbclone(1) in the place of COMMAND: signals, terminals, endings; what it
//! refuses, and the namespaces under policy netbsd.

#[path = "common/command.rs"]
mod common;

use common::*;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Stdio};

/// With each of these nbclone runs COMMAND another way.
const WAYS: [&[&str]; 4] = [
    &[],
    &["--report=/dev/null"],
    &["--all-calls", "--report=/dev/null"],
    &["--all-calls=ptrace", "--report=/dev/null"],
];

fn in_terminal(keys: &str, wrapper: &[&str], command: &[&str]) -> String {
    let mut run = clean(Path::new("/usr/bin/timeout"));
    run.args(["-k", "1", "120"]).arg(compiled("terminal")).arg(keys);
    let output = run.args(wrapper).args(command).output().expect("it runs");
    assert!(output.status.success(), "{keys} {wrapper:?} {command:?}: {}", out(&output));
    out(&output)
}

/// What a shell learns of a job at a terminal is the same with nbclone as with
/// env(1) in between.
#[test]
fn in_a_terminal_it_is_like_env() {
    let (nbclone, catcher) = (built("nbclone"), compiled("catcher"));
    let (nbclone, catcher) = (nbclone.display().to_string(), catcher.display().to_string());
    let [tstp, cont, winch] = [libc::SIGTSTP, libc::SIGCONT, libc::SIGWINCH].map(|n| n.to_string());
    for (keys, arguments, expected) in [
        ("C", &[][..], "ended by 2\n"),
        ("C", &["exit=2"], "exit status 3\n"),
        ("\\", &[], "ended by 3\n"),
        ("ZC", &[&cont], "stopped by 20\nended by 2\n"),
        ("ZC", &[&tstp], "ended by 2\n"),
        ("wC", &[&winch], "ended by 2\n"),
        ("wC", &[&winch, "exit=2"], "exit status 3\n"),
    ] {
        let command = [&[catcher.as_str()], arguments].concat();
        let with_env = in_terminal(keys, &["env"], &command);
        assert!(with_env.starts_with(expected), "{keys} {arguments:?}: {with_env}");
        for way in WAYS {
            let wrapper = [&[nbclone.as_str()], way].concat();
            assert_eq!(in_terminal(keys, &wrapper, &command), with_env, "{keys} {way:?}");
        }
    }
}

/// A loop of a shell ends with its command when Ctrl-C ends that.
#[test]
fn ctrl_c_stops_a_loop() {
    if !have("bash", "bash") {
        return;
    }
    let script = format!(
        "for i in 1 2 3; do {} --report=/dev/null {}; done; echo went on",
        built("nbclone").display(),
        compiled("catcher").display()
    );
    let text = in_terminal("C", &["bash", "-c"], &[&script]);
    assert_eq!(text, "ended by 2\nready\r\n");
}

/// The job of `wrapper`, once it is ready.
fn start(wrapper: &[&str], arguments: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    // A job in the background, as which tests may run, ignores some signals.
    let mut run = clean(Path::new("env"));
    run.arg("--default-signal").arg(built("nbclone")).args(wrapper).arg(compiled("catcher"));
    let mut child = run.args(arguments).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("piped"));
    wait_for("ready", &mut lines);
    (child, lines)
}

fn wait_for(wanted: &str, lines: &mut impl BufRead) {
    let mut line = String::new();
    while line.trim_end() != wanted {
        line.clear();
        assert!(lines.read_line(&mut line).expect("readable") > 0, "no {wanted:?} came");
    }
}

/// By a process of its own: nix knows no real-time signals.
fn send(child: &Child, signal: i32) {
    send_to(&child.id().to_string(), signal);
}

fn send_to(process: &str, signal: i32) {
    let status = shell(&format!("kill -{signal} {process}"), &[]).status();
    assert!(status.expect("a shell runs").success());
}

/// What a process sends to nbclone reaches COMMAND.
#[test]
fn signals_reach_the_command() {
    let signals = [
        libc::SIGHUP,
        libc::SIGINT,
        libc::SIGQUIT,
        libc::SIGUSR1,
        libc::SIGUSR2,
        libc::SIGALRM,
        libc::SIGWINCH,
        libc::SIGIO,
        libc::SIGRTMIN() + 5,
    ];
    for way in WAYS {
        let numbers: Vec<String> = signals.iter().map(i32::to_string).collect();
        let end = format!("exit={}", libc::SIGTERM);
        let arguments: Vec<&str> = numbers.iter().map(String::as_str).chain([&*end]).collect();
        let (mut child, mut lines) = start(way, &arguments);
        for signal in signals {
            send(&child, signal);
            wait_for(&format!("caught {signal}"), &mut lines);
            wait_for("ready", &mut lines);
        }
        send(&child, libc::SIGTERM);
        assert_eq!(child.wait().expect("it ends").code(), Some(3));
    }
}

fn change(child: &Child) -> WaitStatus {
    let flags = WaitPidFlag::WUNTRACED | WaitPidFlag::WCONTINUED;
    waitpid(Pid::from_raw(child.id() as i32), Some(flags)).expect("a child")
}

/// A stop that a process sends to nbclone alone stops both, and so on.
#[test]
fn stops_and_goes_on_with_the_command() {
    for way in WAYS {
        let (child, mut lines) = start(way, &[&libc::SIGCONT.to_string()]);
        // Not TSTP, which does nothing where no shell waits for the group.
        if way.is_empty() {
            send(&child, libc::SIGSTOP);
        } else {
            let path = format!("/proc/{0}/task/{0}/children", child.id());
            let children = fs::read_to_string(path).expect("a kernel with CONFIG_PROC_CHILDREN");
            send_to(children.trim(), libc::SIGSTOP);
        }
        let pid = Pid::from_raw(child.id() as i32);
        assert_eq!(change(&child), WaitStatus::Stopped(pid, Signal::SIGSTOP), "{way:?}");
        send(&child, libc::SIGCONT);
        assert_eq!(change(&child), WaitStatus::Continued(pid), "{way:?}");
        wait_for(&format!("caught {}", libc::SIGCONT), &mut lines);
        send(&child, libc::SIGTERM);
        assert_eq!(change(&child), WaitStatus::Signaled(pid, Signal::SIGTERM, false), "{way:?}");
    }
}

#[test]
fn ends_by_the_signal_that_ended_the_command() {
    for signal in [libc::SIGTERM, libc::SIGKILL, libc::SIGSEGV, libc::SIGPIPE, libc::SIGRTMIN() + 3]
    {
        for way in WAYS {
            let script = format!("ulimit -c 0; kill -{signal} $$");
            let status = nbclone().args(way).args(["sh", "-c", &script]).status();
            assert_eq!(status.expect("it runs").signal(), Some(signal), "{way:?}");
        }
    }
}

/// A timer that was set before belongs to COMMAND.
#[test]
fn an_alarm_set_before_reaches_the_command() {
    if !have("perl", "perl-base") {
        return;
    }
    for way in WAYS {
        let mut run = clean(Path::new("perl"));
        run.args(["-e", "alarm 1; exec @ARGV"]).arg(built("nbclone")).args(way);
        let status = run.arg(compiled("catcher")).stdout(Stdio::null()).status();
        assert_eq!(status.expect("it runs").signal(), Some(libc::SIGALRM), "{way:?}");
    }
}

/// SIGCHLD ignored: COMMAND's status is known all the same, and COMMAND finds it
/// ignored.
#[test]
fn an_ignored_sigchld_hides_nothing() {
    if !have("perl", "perl-base") {
        return;
    }
    for way in WAYS {
        let run = |command: &[&str]| {
            let mut run = clean(Path::new("perl"));
            run.args(["-e", "$SIG{CHLD} = 'IGNORE'; exec @ARGV"]).arg(built("nbclone"));
            run.args(way).args(command).output().expect("it runs")
        };
        assert_eq!(run(&["sh", "-c", "exit 7"]).status.code(), Some(7), "{way:?}");
        let text = out(&run(&["grep", "SigIgn", "/proc/self/status"]));
        let mask = text.split_whitespace().last().unwrap_or_default();
        let mask = u64::from_str_radix(mask, 16).expect("a mask");
        assert_ne!(mask & 1 << (libc::SIGCHLD - 1), 0, "{way:?}");
    }
}

#[test]
fn a_report_that_cannot_be_written_changes_no_status() {
    for options in [&["--report=/dev/full"][..], &["--json", "--report=/dev/full"]] {
        let output = nbclone().args(options).args(["sh", "-c", "exit 5"]).output();
        let output = output.expect("it runs");
        assert_eq!(output.status.code(), Some(5));
        let expected = "nbclone: the report can't be written: No space left on device\n";
        assert_eq!(err(&output), expected);
    }
}

fn refusal(arguments: &[&str]) -> String {
    let output = nbclone().args(arguments).output().expect("it runs");
    assert_eq!(output.status.code(), Some(125), "{}", err(&output));
    let text = err(&output);
    assert!(text.lines().count() <= 2, "{text}");
    assert!(!text.contains("os error"), "{text}");
    text
}

#[test]
fn refuses_a_library_that_is_not_ours() {
    let place = directory("refuses_a_library");
    let text = place.join("text.so");
    fs::write(&text, "not a library\n").expect("written");
    let fifo = place.join("fifo.so");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::from_bits_truncate(0o600)).expect("made");
    let other = module("module");
    for (path, words) in [
        (&other, "it doesn't export clone"),
        (&text, "no shared library"),
        (&fifo, "no libnbclone.so in"),
    ] {
        let said = refusal(&["--lib", &path.display().to_string(), "true"]);
        assert!(said.contains(words) && said.contains(&path.display().to_string()), "{said}");
    }
}

#[test]
fn refuses_one_file_for_two_things() {
    let place = directory("refuses_one_file");
    fs::write(place.join("there"), "kept\n").expect("written");
    std::os::unix::fs::symlink(place.join("there"), place.join("link")).expect("made");
    for (trace, report) in [("new", "new"), ("new", "./new"), ("there", "link")] {
        let output = nbclone()
            .args([format!("--trace={trace}"), format!("--report={report}"), "true".to_owned()])
            .current_dir(&place)
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(125), "{trace} {report}");
        assert!(err(&output).contains("name the same file"), "{}", err(&output));
    }
    assert_eq!(fs::read_to_string(place.join("there")).expect("readable"), "kept\n");
    let both = nbclone().args(["--trace=/dev/null", "--report=/dev/null", "true"]).status();
    assert!(both.expect("it runs").success());
}

#[test]
fn says_where_a_file_belongs() {
    let output = nbclone().args(["--report", "out.txt", "true"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(127));
    assert!(err(&output).contains("--report=out.txt"), "{}", err(&output));
    let output = nbclone().args(["--report", "--json", "out.txt"]).output().expect("it runs");
    assert!(!err(&output).contains("=out.txt"), "{}", err(&output));
    assert!(refusal(&["--no-such-option", "true"]).contains("--no-such-option"));
    assert!(refusal(&["--policy", "lax", "true"]).contains("lax"));
}

/// The names of this process' namespaces.
const SHOW_NAMESPACES: &str = "readlink /proc/self/ns/mnt /proc/self/ns/uts /proc/self/ns/ipc";

/// Runs a script as root of a machine of its own, where mounts propagate.
fn in_own_machine(script: &str) -> String {
    let script = format!("mount --make-rshared /; {script}");
    let mut run = clean(Path::new("unshare"));
    run.args(["-m", "-u", "-i", "sh", "-c", &script]).arg(built("nbclone"));
    let output = run.arg(compiled("calls")).output().expect("it runs");
    assert!(output.status.success(), "{script}: {}", err(&output));
    out(&output)
}

/// Under policy netbsd, as root: mounts and names stay COMMAND's own.
#[test]
fn policy_netbsd_harms_no_machine() {
    if !may_unshare("-m -u -i", "policy_netbsd_harms_no_machine") {
        return;
    }
    let harm = "mount -t tmpfs none /opt; hostname renamed";
    let look = "findmnt -n -o FSTYPE /opt; hostname";
    let before = in_own_machine(look);
    assert!(!before.contains("renamed") && !before.contains("tmpfs"), "{before}");
    for options in ["--policy netbsd", "--policy netbsd --report=/dev/null"] {
        let after = in_own_machine(&format!("$0 {options} sh -c '{harm}'; {look}"));
        assert_eq!(after, before, "{options}");
        let open = in_own_machine(&format!("$0 --no-isolation {options} sh -c '{harm}'; {look}"));
        assert_ne!(open, before, "{options}");
    }
    let inherited = in_own_machine(&format!("NBCLONE_POLICY=netbsd $0 sh -c '{harm}'; {look}"));
    assert_eq!(inherited, before);

    // The report's calls come from there too.
    let text = in_own_machine("$0 --policy netbsd --report $1 copy 2>&1");
    assert!(text.contains("; policy netbsd; 1 call by 1 process\n"), "{text}");
    let notice = "nbclone: policy netbsd, with privileges: COMMAND runs in mount, UTS and IPC \
                  namespaces of its own (--no-isolation turns that off)\n";
    assert!(text.starts_with(notice), "{text}");
}

#[test]
fn other_policies_and_other_users_need_no_namespaces() {
    if !is_root("other_policies_and_other_users_need_no_namespaces") {
        return;
    }
    let here = out(&shell(SHOW_NAMESPACES, &[]).output().expect("it runs"));
    for policy in ["strict", "host"] {
        let output = nbclone().args(["--policy", policy, "sh", "-c", SHOW_NAMESPACES]).output();
        let output = output.expect("it runs");
        assert_eq!((out(&output), err(&output)), (here.clone(), String::new()));
    }
    let place = directory("other_users");
    let [command, library] = ["nbclone", "libnbclone.so"].map(|name| {
        copy_program(&built(name), &place.join(name));
        place.join(name)
    });
    let mut run = clean(Path::new("setpriv"));
    run.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&command);
    run.arg("--lib").arg(&library).args(["--policy", "netbsd", "sh", "-c", SHOW_NAMESPACES]);
    match run.output() {
        Ok(output) if output.status.success() => {
            assert_eq!((out(&output), err(&output)), (here, String::new()));
        }
        Ok(output) => skip(&format!("another user can't run it here: {}", err(&output))),
        Err(error) => skip(&format!("setpriv: {error} (Debian: util-linux)")),
    }
}

/// Where namespaces are refused, COMMAND isn't run by surprise.
#[test]
fn without_namespaces_it_refuses() {
    if !is_root("without_namespaces_it_refuses") {
        return;
    }
    let run = |options: &[&str]| {
        // No namespace more than there are.
        let script = "echo 0 >/proc/sys/user/max_uts_namespaces && exec \"$0\" \"$@\"";
        let mut run = clean(Path::new("unshare"));
        run.args(["-U", "-r", "-m", "sh", "-c", script]).arg(built("nbclone"));
        run.args(options).args(["--policy", "netbsd", "echo", "ran"]).output().expect("it runs")
    };
    let refused = run(&[]);
    if err(&refused).contains("max_uts_namespaces") || err(&refused).starts_with("unshare") {
        skip("no user namespaces here");
        return;
    }
    assert_eq!(refused.status.code(), Some(125), "{}", err(&refused));
    assert!(err(&refused).contains("--no-isolation runs it all the same"), "{}", err(&refused));
    assert_eq!(out(&refused), "");
    assert_eq!(out(&run(&["--no-isolation"])), "ran\n");
}

/// Where things are missing on which it could depend.
#[test]
fn needs_no_proc_no_tmp_no_inotify() {
    if !may_unshare("-m -u -i", "needs_no_proc_no_tmp_no_inotify") {
        return;
    }
    let script = "mount -t tmpfs none /proc; mount -t tmpfs -o mode=0 none /tmp; \
                  TMPDIR=/nonexistent $0 --all-calls --report $1 copy 2>&1; umount /proc";
    let text = in_own_machine(script);
    assert!(text.contains("; 1 call by 1 process\n"), "{text}");
    // The call is seen; what it meets isn't, without /proc, and the report says so.
    assert!(text.contains("(/proc can't be read)"), "{text}");
    assert!(!text.contains("verdict: portable"), "{text}");
}

/// A filter of somebody's that allows none: named, not guessed at.
#[test]
fn says_that_seccomp_is_refused() {
    let mut run = clean(&compiled("acts"));
    run.args(["no-filters", "run"]).arg(built("nbclone")).args(["--all-calls", "true"]);
    let output = run.output().expect("it runs");
    assert_eq!(output.status.code(), Some(125), "{}", err(&output));
    let text = err(&output);
    assert!(text.starts_with("nbclone: --all-calls: no seccomp filter: "), "{text}");
}
