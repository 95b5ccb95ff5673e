"""One detector for each kind of personal data: a function from a reading to the spans it finds, in linear time."""
