(func (;2;) (type 1) (param i32 i32 i32 i32 i64) (result i32) ;; r0
  (local i64 i64 i64 i64 i64 i64 i32 i64 i64 i32 i32 i64 i64)
  local.get 0
  i64.load offset=520
  local.set 12
  local.get 0
  i64.load offset=528
  local.set 13
  local.get 2
  i32.load16_u offset=2
  local.set 11
  loop ;; @1
    block ;; @2
      block ;; @3
        block ;; @4
          block ;; @5
          end
          local.get 0
          i64.load offset=8
          local.set 6
          local.get 0
          i64.load offset=56
          local.set 7
          local.get 0
          i64.load offset=80
          local.set 8
          local.get 0
          i64.load offset=88
          local.set 9
          local.get 0
          i64.load offset=96
          local.set 10
          br 0 ;; @4
        end
        loop ;; @4
          block ;; @5
            br 0 ;; @5
          end
          local.get 1
          i32.const 5
          i32.sub
          local.set 1
          local.get 8
          i32.wrap_i64
          local.set 15
          local.get 15
          i32.const 8
          i32.shr_u
          i32.const 262128
          i32.and
          local.get 0
          i32.add
          local.tee 14
          i64.load offset=8192
          local.get 8
          i64.const 7
          i64.add
          i64.const 12
          i64.shr_s
          local.get 13
          i64.and
          local.get 12
          i64.add
          i64.ne
          if ;; @5
            local.get 0
            local.get 7
            i64.store offset=56
            local.get 0
            local.get 8
            i64.store offset=80
            local.get 0
            local.get 9
            i64.store offset=88
            local.get 0
            local.get 1
            i32.const 5
            i32.add
            local.get 4
            i64.const 0
            i64.add
            return_call 1 ;; jit.bail
          end
          local.get 15
          local.get 14
          i32.load offset=8200
          i32.add
          i64.load align=1
          local.set 16
          local.get 16
          local.set 7
          local.get 9
          i32.wrap_i64
          local.set 15
          local.get 15
          i32.const 8
          i32.shr_u
          i32.const 262128
          i32.and
          local.get 0
          i32.add
          local.tee 14
          i64.load offset=270336
          local.get 9
          i64.const 7
          i64.add
          i64.const 12
          i64.shr_s
          local.get 13
          i64.and
          local.get 12
          i64.add
          i64.ne
          if ;; @5
            local.get 0
            local.get 7
            i64.store offset=56
            local.get 0
            local.get 8
            i64.store offset=80
            local.get 0
            local.get 9
            i64.store offset=88
            local.get 0
            local.get 1
            i32.const 4
            i32.add
            local.get 4
            i64.const 4
            i64.add
            return_call 1 ;; jit.bail
          end
          local.get 15
          local.get 14
          i32.load offset=270344
          i32.add
          local.get 7
          i64.store align=1
          local.get 8
          i64.const 8
          i64.add
          local.set 8
          local.get 9
          i64.const 8
          i64.add
          local.set 9
          local.get 8
          local.get 10
          i64.lt_u
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
              local.get 7
              i64.store offset=56
              local.get 0
              local.get 8
              i64.store offset=80
              local.get 0
              local.get 9
              i64.store offset=88
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
      local.get 1
      i32.const 1
      i32.sub
      local.set 1
      local.get 6
      i64.const 0
      i64.add
      i64.const -2
      i64.and
      local.set 16
      local.get 16
      local.set 17
      local.get 17
      local.set 5
      local.get 0
      local.get 7
      i64.store offset=56
      local.get 0
      local.get 8
      i64.store offset=80
      local.get 0
      local.get 9
      i64.store offset=88
      br 0 ;; @2
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
      local.tee 14
      i32.load16_u
      i32.const 6
      i32.eq
      local.get 14
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
        local.get 14
        i32.load16_u offset=2
        local.set 11
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
