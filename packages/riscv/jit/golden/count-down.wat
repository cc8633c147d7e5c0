(func (;2;) (type 1) (param i32 i32 i32 i32 i64) (result i32) ;; r0
  (local i64 i64 i32 i64 i64 i32)
  local.get 0
  i64.load offset=520
  local.set 8
  local.get 0
  i64.load offset=528
  local.set 9
  local.get 2
  i32.load16_u offset=2
  local.set 7
  loop ;; @1
    block ;; @2
      block ;; @3
        block ;; @4
          block ;; @5
          end
          local.get 0
          i64.load offset=40
          local.set 6
          br 0 ;; @4
        end
        loop ;; @4
          block ;; @5
            br 0 ;; @5
          end
          local.get 1
          i32.const 2
          i32.sub
          local.set 1
          local.get 6
          i64.const -1
          i64.add
          local.set 6
          local.get 6
          i64.const 0
          i64.ne
          if ;; @5
            local.get 1
            i32.const 1
            i32.sub
            i32.const 31
            i32.shr_s
            local.get 0
            i32.load offset=552
            i32.or
            if ;; @6
              local.get 0
              local.get 6
              i64.store offset=40
              local.get 0
              local.get 1
              local.get 4
              i64.const 0
              i64.add
              return_call 0 ;; jit.chain
            end
            br 1 ;; @4
          end
          br 1 ;; @3
        end
      end
      loop ;; @3
        block ;; @4
          br 0 ;; @4
        end
        local.get 1
        i32.const 1
        i32.sub
        local.set 1
        local.get 1
        i32.const 1
        i32.sub
        i32.const 31
        i32.shr_s
        local.get 0
        i32.load offset=552
        i32.or
        if ;; @4
          local.get 0
          local.get 6
          i64.store offset=40
          local.get 0
          local.get 1
          local.get 4
          i64.const 8
          i64.add
          return_call 0 ;; jit.chain
        end
        br 0 ;; @3
      end
    end
    local.get 5
    i64.const -4096
    i64.and
    local.get 4
    i64.eq
    if ;; @2
      local.get 3
      local.get 5
      i32.wrap_i64
      i32.const 4094
      i32.and
      i32.const 2
      i32.shl
      i32.add
      local.tee 10
      i32.load16_u
      i32.const 6
      i32.eq
      local.get 10
      i32.load offset=4
      local.get 2
      i32.load offset=4
      i32.eq
      i32.and
      local.get 1
      i32.const 1
      i32.sub
      i32.const 31
      i32.shr_s
      local.get 0
      i32.load offset=552
      i32.or
      i32.eqz
      i32.and
      if ;; @3
        local.get 10
        i32.load16_u offset=2
        local.set 7
        br 2 ;; @1
      end
    end
    local.get 0
    local.get 1
    local.get 5
    return_call 0 ;; jit.chain
    unreachable
  end
  unreachable
)
