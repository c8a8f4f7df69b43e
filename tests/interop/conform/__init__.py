"""What tests/interop/conformance is made of. The cases are in cases/, their language is in README.md."""
