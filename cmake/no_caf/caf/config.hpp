// Stands before CAF's own header on core's include path; every CAF header includes this one first.
#error "core/ must not use CAF: put the actor into actors/ and keep the value, policy or state machine here"
