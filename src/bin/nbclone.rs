//! x
use addr2line as _;
use lexopt as _;
use nix as _;
use object as _;
use serde_json as _;
fn main() {
    println!("hi");
}
