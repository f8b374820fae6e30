// Floor is a program that does nothing: what Go's runtime alone takes.
package main

func main() {}
