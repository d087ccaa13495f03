package two

warn contains "two" if input.a
