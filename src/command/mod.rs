//! The modules of nbclone(1).

pub mod bypass;
pub mod channel;
pub mod differences;
pub mod json;
pub mod library;
pub mod netbsd;
pub mod options;
pub mod parse;
pub mod program;
pub mod report;
pub mod run;
pub mod seccomp;
pub mod symbols;
pub mod system;
