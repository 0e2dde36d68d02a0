#!lua flags=allow-oom
-- Goes on with a larger drain: pairs that a raised limit or newly ready agents left to make.
-- Prelude: records line roster matching
-- Returns  {'done'} | {'more'}  more: call again
-- Replay   finds nothing more to pair
-- Cost     at most 64 pairs

return { drain() == 1 and 'more' or 'done' }
