// Carries the header that test programs share precompiled; holds no code.
