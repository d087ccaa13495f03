# of messy
package   messy
import   future.keywords.if
allow   if{input.x==1;   input.y  }   # why
sizes:={"a" :1,
"b":2}
