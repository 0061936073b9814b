//! Small programs that embed `leadgen-core`; each is one file beside this one.
