//! Compiles again when the web client gets a file or loses one: the compiler itself only notices changed ones.

fn main() {
    println!("cargo:rerun-if-changed=web");
}
