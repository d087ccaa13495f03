package printing

deny contains "printed" if print("value is", input.a)
