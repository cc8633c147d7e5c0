(func (;1;) (type 1) (param i32 i32 i32 i32 i64) (result i32) ;; r0
  (local i64 i64 i32 i32 i64 i64 i32)
  local.get 0
  i64.load offset=520
  local.set 9
  local.get 0
  i64.load offset=528
  local.set 10
  local.get 2
  i32.load16_u offset=2
  local.set 7
  block ;; @1
    block ;; @2
      block ;; @3
        loop ;; @4
          block ;; @5
            block ;; @6
              block ;; @7
                block ;; @8
                end
                local.get 0
                i64.load offset=40
                local.set 6
                br 0 ;; @7
              end
              loop ;; @7
                block ;; @8
                  br 0 ;; @8
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
                if ;; @8
                  local.get 0
                  i32.load offset=552
                  local.get 1
                  i32.const 0
                  i32.le_s
                  i32.or
                  if ;; @9
                    local.get 4
                    i64.const 0
                    i64.add
                    local.set 5
                    i32.const 0
                    local.set 8
                    br 8 ;; @1
                  end
                  br 1 ;; @7
                end
                br 1 ;; @6
              end
            end
            loop ;; @6
              block ;; @7
                br 0 ;; @7
              end
              local.get 1
              i32.const 1
              i32.sub
              local.set 1
              local.get 0
              i32.load offset=552
              local.get 1
              i32.const 0
              i32.le_s
              i32.or
              if ;; @7
                local.get 4
                i64.const 8
                i64.add
                local.set 5
                i32.const 0
                local.set 8
                br 6 ;; @1
              end
              br 0 ;; @6
            end
          end
          local.get 5
          i64.const -4096
          i64.and
          local.get 4
          i64.eq
          if ;; @5
            local.get 3
            local.get 5
            i32.wrap_i64
            i32.const 4094
            i32.and
            i32.const 2
            i32.shl
            i32.add
            local.tee 11
            i32.load16_u
            i32.const 6
            i32.eq
            local.get 11
            i32.load offset=4
            local.get 2
            i32.load offset=4
            i32.eq
            i32.and
            local.get 0
            i32.load offset=552
            local.get 1
            i32.const 0
            i32.le_s
            i32.or
            i32.eqz
            i32.and
            if ;; @6
              local.get 11
              i32.load16_u offset=2
              local.set 7
              br 2 ;; @4
            end
          end
          local.get 0
          local.get 1
          local.get 5
          return_call 0 ;; jit.chain
          unreachable
        end
      end
      local.get 0
      i32.const 2
      i32.store offset=568
    end
    block ;; @2
      block ;; @3
        local.get 8
        i32.const 22
        i32.shr_u
        br_table 0 ;; @3
      end
      local.get 0
      local.get 6
      i64.store offset=40
      br 0 ;; @2
    end
    local.get 0
    local.get 4
    local.get 8
    i32.const 4095
    i32.and
    i64.extend_i32_u
    i64.add
    i64.store offset=512
    local.get 0
    local.get 3
    i32.store offset=1960
    local.get 1
    local.get 8
    i32.const 12
    i32.shr_u
    i32.const 1023
    i32.and
    i32.add
    return
  end
  block ;; @1
    block ;; @2
      local.get 8
      i32.const 22
      i32.shr_u
      br_table 0 ;; @2
    end
    local.get 0
    local.get 6
    i64.store offset=40
    br 0 ;; @1
  end
  local.get 0
  local.get 1
  local.get 5
  return_call 0 ;; jit.chain
  unreachable
)
