-- A model of XGBoost scores each transaction by how many there were of the user in a minute, and by its amount:
--   tailrace agent lua --set script=fraud-model.lua --set model=../models/fraud-model.json --topic …
-- The same without a script: tailrace agent model --set model=../models/fraud-model.json --topic …
local limit = tonumber(value.threshold or 0.5)

function on_event(event, key)
  local user, amount = event.row.user_id, decimal(event.row.amount)
  local recent = key.window("window", 60)

  recent:add(amount)
  local velocity = recent:count()
  local score = model.predict{{velocity, amount}}[1]
  local shown = string.format("%.6g", score)
  if score <= limit then
    return string.format("✅ Transaction OK: %s (Score: %s)", event.row.id, shown)
  end
  alert{title = string.format("User %s scored %s, the limit is %.6g", user, shown, limit), subject = "User " .. user, number = amount,
        score = shown, score_limit = string.format("> %.6g", limit), window = recent,
        conditions = {{"Score of the model", shown, string.format("> %.6g", limit), 0, true}}}
  return string.format("⚠️ HIGH FRAUD ALERT: User %s | Score: %s | Amt: %s", user, shown, amount)
end
