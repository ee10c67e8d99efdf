/// Drives the push machine without doing anything.
module CellOS.Export.S3.Core.Tests.Driver

open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators

let isEnd = Play.isEnd
let feed = Play.inputs
let play = Play.script
let puts = Play.puts

/// The failure at the end of the turns.
let failure (turns: Turn list) =
    match (List.last turns).Output with
    | Output.Failed failure -> failure
    | output -> failwithf "It did not fail: %A" output

let receipt (turns: Turn list) =
    match (List.last turns).Output with
    | Output.Done receipt -> receipt
    | output -> failwithf "It is not done: %A" output

/// What is told of an end, in each format that there is.
let renderings (turn: Turn) : string list =
    match turn.Output with
    | Output.Done receipt -> [
        Receipt.toJson receipt
        CloudEvent.ofReceipt receipt
        InTotoStatement.ofReceipt receipt
        |> Result.defaultWith (fun refusal -> failwith refusal.Message)
      ]
    | Output.Failed failure ->
        let report = FailureReport.ofFailure failure
        [ FailureReport.toJson report; CloudEvent.ofFailure turn.Now report ]
    | _ -> []
