package lib

double(x) := x * 2
