/* A writer puts bits of its choice into a queue of 16, a reader takes them out. */

int bits;
byte len, w, r;

active proctype writer()
{
    do
    :: d_step { w == 0 -> w = 1 }
    :: d_step { w == 0 -> w = 2 }
    :: d_step { w > 0 && len < 16 -> bits = bits | ((w - 1) << len); len++; w = 0 }
    od
}

active proctype reader()
{
    do
    :: d_step { r == 0 && len > 0 -> r = 1 + (bits & 1); bits = bits >> 1; len-- }
    :: d_step { r > 0 -> r = 0 }
    od
}
