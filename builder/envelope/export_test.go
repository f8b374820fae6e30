package envelope

// Around is for tests of the packages that read envelopes.
var Around = around
