//! Small programs that embed `leadgen-core`; each is one file beside this one.

// The programs that the readmes show are built and run like any other.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[expect(dead_code, reason = "it carries the readme")]
struct Readme;
#[cfg(doctest)]
#[doc = include_str!("../README.ru.md")]
#[expect(dead_code, reason = "it carries the readme")]
struct ReadmeInRussian;
