module Expecto
let x = 1
