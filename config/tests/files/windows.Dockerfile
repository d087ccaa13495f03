# escape=`
FROM a
RUN a `
 b \ c
#
# kept
run x
