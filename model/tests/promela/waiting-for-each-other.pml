/* Two processes with a pipe each way both listen before they talk.
 * One step here is one step of the system: a call, a move by a rule, a return. */

byte to_ann, to_ben; /* bytes that wait */

#define READS(own)                                                     \
    do                                                                 \
    :: d_step { at == 0 -> at = 1 }             /* read */             \
    :: d_step { at == 1 && own == 0 -> at = 2 } /* finds nothing */    \
    :: d_step { at == 1 && own > 0 -> own--; at = 3 }                  \
    :: d_step { at == 2 && own > 0 -> own--; at = 3 }                  \
    :: d_step { at == 3 -> at = 4 }             /* the return */

#define WRITES(other)                                                  \
    :: d_step { at == 4 -> at = 5 }                                    \
    :: d_step { at == 5 -> other++; at = 6 }                           \
    :: d_step { at == 6 -> at = 7 } -> break                           \
    od;                                                                \
    end: false

active proctype ann() { byte at; READS(to_ann) WRITES(to_ben) }
active proctype ben() { byte at; READS(to_ben) WRITES(to_ann) }
