/// Drives the push machine without doing anything.
module CellOS.Export.S3.Core.Tests.Driver

open System
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.PushGenerators

/// One turn of the machine.
type Turn = {
    Input: Input
    Output: Output
    State: State
    /// The latest time that any input told: the machine's own.
    Now: DateTimeOffset
}

let timeOf (input: Input) =
    match input with
    | Input.Started(at, _)
    | Input.NoSource(at, _)
    | Input.UrlGiven(at, _)
    | Input.NoUrl(at, _)
    | Input.Md5Taken(at, _)
    | Input.Attempted(at, _, _)
    | Input.Woke at -> at

let isEnd (output: Output) = output.IsDone || output.IsFailed

/// The turns that given inputs lead to.
let feed (plan: PushPlan) (inputs: Input list) : Turn list =
    let turn (state: State, now: DateTimeOffset) (input: Input) =
        let struct (next, output) = Push.step state input
        let now = max now (timeOf input)

        {
            Input = input
            Output = output
            State = next
            Now = now
        },
        (next, now)

    inputs |> List.mapFold turn (Push.create plan, DateTimeOffset.MinValue) |> fst

/// The turns of a script: each output is answered in kind, with what the next step says.
let play (script: Script) : Turn list =
    let rec go (turns: Turn list) (clock: DateTimeOffset) (steps: Step list) =
        match turns, steps with
        | [], _
        | _, [] -> List.rev turns
        | last :: _, step :: rest ->
            let later = clock + step.Drift

            let input =
                match last.Output with
                | Output.AskUrl _ when step.Early -> Input.Woke later
                | Output.AskUrl _ ->
                    match step.Answer with
                    | Ok url -> Input.UrlGiven(later, url)
                    | Error reason -> Input.NoUrl(later, reason)
                | Output.TakeMd5 _ when step.Early -> Input.Woke later
                | Output.TakeMd5 _ ->
                    match step.Digest with
                    | Ok md5 -> Input.Md5Taken(later, md5)
                    | Error fault -> Input.NoSource(later, fault)
                | Output.Put _ -> Input.Attempted(later, step.Roll, step.Outcome)
                | Output.Wait until when step.Early -> Input.Woke(min later (until.AddTicks -1L))
                | Output.Wait until -> Input.Woke(max until later)
                | Output.Done _
                | Output.Failed _ -> Input.Woke later

            let struct (state, output) = Push.step last.State input

            let turn = {
                Input = input
                Output = output
                State = state
                Now = max last.Now (timeOf input)
            }

            go (turn :: turns) (timeOf input) rest

    let first = feed script.Plan [ Input.Started(script.StartedAt, script.Length) ]
    go first script.StartedAt script.Steps

let puts (turns: Turn list) =
    turns
    |> List.choose (fun turn ->
        match turn.Output with
        | Output.Put put -> Some(turn, put)
        | _ -> None)

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
