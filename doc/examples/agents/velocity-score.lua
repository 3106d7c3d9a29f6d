-- Many transactions of one user in a minute, and large ones, give points. The same as the rule "velocity-score-event",
-- or with --time processing as "velocity-score".
local large = decimal(value.large or 4000)

function on_event(event, key)
  local user, amount = event.row.user_id, decimal(event.row.amount)
  local recent = key.window("minute", 60)

  recent:add(amount)
  local count = recent:count()
  local score = (count > 5 and 40 or 0) + (amount > large and 50 or 0)
  if score <= 70 then
    return string.format("✅ Transaction OK: %s (Score: %d)", event.row.id, score)
  end
  alert{title = string.format("User %s scored %d, the limit is 70", user, score), subject = "User " .. user, number = amount,
        score = score, score_limit = "> 70", window = recent,
        conditions = {{"Transactions in 60 s", count, "> 5", 40, count > 5}, {"Amount", amount, "> " .. tostring(large), 50, amount > large}}}
  return string.format("⚠️ HIGH FRAUD ALERT: User %s | Score: %d | Amt: %s", user, score, amount)
end
