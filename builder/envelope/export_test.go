package envelope

// Around is around, for external tests.
var Around = around
