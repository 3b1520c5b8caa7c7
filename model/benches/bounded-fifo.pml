/* A writer puts bits of its choice into a queue of 16, a reader takes them out. */

int bits;
byte size, w, r;

active proctype writer()
{
    do
    :: d_step { w == 0 -> w = 1 }
    :: d_step { w == 0 -> w = 2 }
    :: d_step { w > 0 && size < 16 -> bits = bits | ((w - 1) << size); size++; w = 0 }
    od
}

active proctype reader()
{
    do
    :: d_step { r == 0 && size > 0 -> r = 1 + (bits & 1); bits = bits >> 1; size-- }
    :: d_step { r > 0 -> r = 0 }
    od
}
