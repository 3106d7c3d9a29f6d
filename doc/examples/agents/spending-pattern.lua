-- Does this user spend much more than usual? The same as the rule "spending-pattern".
local floor = decimal(value.floor or 500)

function on_event(event, key)
  local user, amount = event.row.user_id, decimal(event.row.amount)
  local usual = key.last("amounts", 50)
  local count, sum = usual:count(), usual:sum()
  local line = "📊 Profile updated for User " .. user

  if count >= 3 and amount > floor and amount * count > sum * 3 then
    local mean = usual:mean()
    local limit = string.format("%.2f", 3 * sum:number() / count)
    alert{title = string.format("User %s spent %s, the limit is %s", user, amount, limit), subject = "User " .. user, number = amount, window = usual,
          conditions = {{"Amount against the last " .. count, amount, string.format("> %s (3 times the mean %.2f)", limit, mean), 0, true},
                        {"Amount", amount, "> " .. tostring(floor), 0, true}}}
    line = string.format("🚨 ANOMALY DETECTED: User %s spent $%s (Significantly higher than average)", user, amount)
  end
  usual:add(amount)
  return line
end
