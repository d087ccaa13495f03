package main

deny.first if input.a
