;; The chunker's loop. The table of the gear hash is at the front of the memory, 256 words; what is cut lies behind it.
(module
  (import "chunker" "memory" (memory 1))
  (global $hash (export "hash") (mut i32) (i32.const 0))

  ;; Takes the bytes from $at up to $to into the hash. The offset after the first byte for which the bits of $mask are all zero, or
  ;; 0 when there is none.
  (func (export "search") (param $at i32) (param $to i32) (param $mask i32) (result i32)
    (local $h i32)
    (local $last i32)
    (local.set $h (global.get $hash))
    (local.set $last (i32.sub (local.get $to) (i32.const 4)))
    (block $few
      (loop $four
        (br_if $few (i32.gt_s (local.get $at) (local.get $last)))
        (local.set $h (i32.add (i32.shl (local.get $h) (i32.const 1)) (i32.load (i32.shl (i32.load8_u (local.get $at)) (i32.const 2)))))
        (if (i32.eqz (i32.and (local.get $h) (local.get $mask)))
          (then (return (i32.add (local.get $at) (i32.const 1)))))
        (local.set $h (i32.add (i32.shl (local.get $h) (i32.const 1)) (i32.load (i32.shl (i32.load8_u offset=1 (local.get $at)) (i32.const 2)))))
        (if (i32.eqz (i32.and (local.get $h) (local.get $mask)))
          (then (return (i32.add (local.get $at) (i32.const 2)))))
        (local.set $h (i32.add (i32.shl (local.get $h) (i32.const 1)) (i32.load (i32.shl (i32.load8_u offset=2 (local.get $at)) (i32.const 2)))))
        (if (i32.eqz (i32.and (local.get $h) (local.get $mask)))
          (then (return (i32.add (local.get $at) (i32.const 3)))))
        (local.set $h (i32.add (i32.shl (local.get $h) (i32.const 1)) (i32.load (i32.shl (i32.load8_u offset=3 (local.get $at)) (i32.const 2)))))
        (if (i32.eqz (i32.and (local.get $h) (local.get $mask)))
          (then (return (i32.add (local.get $at) (i32.const 4)))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br $four)))
    (block $done
      (loop $one
        (br_if $done (i32.ge_s (local.get $at) (local.get $to)))
        (local.set $h (i32.add (i32.shl (local.get $h) (i32.const 1)) (i32.load (i32.shl (i32.load8_u (local.get $at)) (i32.const 2)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (if (i32.eqz (i32.and (local.get $h) (local.get $mask))) (then (return (local.get $at))))
        (br $one)))
    (global.set $hash (local.get $h))
    (i32.const 0))
)
