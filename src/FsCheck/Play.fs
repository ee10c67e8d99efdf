namespace CellOS.Export.S3.Generators

open System
open CellOS.Export.S3.Core

/// One turn of the push machine: what it was told, and what it said to that.
type Turn = {
    /// What the driver reported.
    Input: Input
    /// What the machine wants done next.
    Output: Output
    /// The machine after it.
    State: State
    /// The latest time that any input told: the machine's own.
    Now: DateTimeOffset
}

/// Drives the push machine with a clock that is made up, and does nothing else: a trace of its turns, in their order, is
/// what laws are about.
[<RequireQualifiedAccess>]
module Play =

    /// When an input happened.
    let timeOf (input: Input) : DateTimeOffset =
        match input with
        | Input.Started(at, _)
        | Input.NoSource(at, _)
        | Input.UrlGiven(at, _)
        | Input.UrlGranted(at, _)
        | Input.UrlDelayed(at, _, _, _)
        | Input.NoUrl(at, _)
        | Input.DigestsTaken(at, _)
        | Input.Attempted(at, _, _)
        | Input.Woke at -> at

    /// Whether an output ends the push.
    let isEnd (output: Output) : bool = output.IsDone || output.IsFailed

    let private turn (state: State) (now: DateTimeOffset) (input: Input) : Turn =
        let struct (next, output) = Push.step state input

        {
            Input = input
            Output = output
            State = next
            Now = max now (timeOf input)
        }

    let private after (last: Turn) (input: Input) = turn last.State last.Now input

    let private first (plan: PushPlan) (input: Input) =
        turn (Push.create plan) DateTimeOffset.MinValue input

    /// The turns that any inputs lead to, whether they fit or not.
    let inputs (plan: PushPlan) (inputs: Input list) : Turn list =
        match inputs with
        | [] -> []
        | head :: rest -> List.scan after (first plan head) rest

    let private ofAlgorithms (algorithms: DigestAlgorithm list) (digests: Digest list) =
        digests |> List.filter (fun digest -> List.contains digest.Algorithm algorithms)

    /// The outcome as a driver reports it that took the digests that the request asked for, and no other.
    let asAsked (put: PutRequest) (outcome: Outcome) : Outcome =
        let sent (sent: Sent) = {
            sent with
                Others = ofAlgorithms put.Digests sent.Others
        }

        match outcome with
        | Outcome.Replied reply ->
            Outcome.Replied {
                reply with
                    Sent = reply.Sent |> Option.map sent
            }
        | Outcome.Unknown fault ->
            Outcome.Unknown {
                fault with
                    Sent = fault.Sent |> Option.map sent
            }
        | Outcome.NotSent _ -> outcome

    let private start (script: Script) =
        first script.Plan (Input.Started(script.StartedAt, script.Length))

    /// What the driver reports when the source of URLs has responded.
    let private responded (at: DateTimeOffset) (step: Step) : Input =
        match step.Answer with
        | UrlAnswer.Given url -> Input.UrlGiven(at, url)
        | UrlAnswer.Granted grant -> Input.UrlGranted(at, grant)
        | UrlAnswer.Later(reason, after) -> Input.UrlDelayed(at, step.Roll, reason, after)
        | UrlAnswer.Refused reason -> Input.NoUrl(at, reason)

    /// The turns of a script to its last step: each output is answered in kind, with what the next step says, however
    /// the clock runs meanwhile. The end of the push is answered, too.
    let script (script: Script) : Turn list =
        let answer (last: Turn) (clock: DateTimeOffset) (step: Step) =
            let later = clock + step.Drift

            match last.Output with
            | Output.AskUrl _ when step.Early -> Input.Woke later
            | Output.AskUrl _ -> responded later step
            | Output.TakeDigests _ when step.Early -> Input.Woke later
            | Output.TakeDigests(algorithms, _) ->
                match step.Digests with
                | Ok digests -> Input.DigestsTaken(later, ofAlgorithms algorithms digests)
                | Error fault -> Input.NoSource(later, fault)
            | Output.Put put -> Input.Attempted(later, step.Roll, asAsked put step.Outcome)
            | Output.Wait until when step.Early -> Input.Woke(min later (until.AddTicks -1L))
            | Output.Wait until -> Input.Woke(max until later)
            | Output.Done _
            | Output.Failed _ -> Input.Woke later

        (start script, script.Steps)
        ||> List.scan (fun last step -> after last (answer last (timeOf last.Input) step))

    /// The outcome of an attempt that takes this long: a fault, if that is longer than the request allows.
    let private within (request: PutRequest) (took: TimeSpan) (outcome: Outcome) =
        if took < request.Timeout then
            took, outcome
        else
            let fault =
                Fault.Create(FaultKind.RequestTimeout, "no reply in time", request.Length)

            request.Timeout,
            match outcome with
            | Outcome.Replied { Sent = None }
            | Outcome.NotSent _ -> Outcome.NotSent fault
            | Outcome.Replied _
            | Outcome.Unknown _ -> Outcome.Unknown fault

    /// Until it is `until` at the latest: then it was in vain.
    let private inTime (until: DateTimeOffset option) (at: DateTimeOffset) (input: Input) =
        match until with
        | Some until when at >= until -> Input.Woke until
        | _ -> input

    /// What happens where a script has no more steps: all goes well, and at once.
    let private plainStep (script: Script) : Step = {
        Drift = TimeSpan.Zero
        Roll = 0.
        Outcome =
            Outcome.Replied {
                Reply.Of 200 with
                    ETag = Some $"\"{Outcomes.md5}\""
                    Sent = Some(Outcomes.whole script.Length)
            }
        Answer =
            match script.Urls with
            | url :: _ -> UrlAnswer.Given url.Request
            | [] -> UrlAnswer.Refused "there is no source of URLs"
        Digests = Ok Outcomes.digests
        Early = false
    }

    /// The turns of a script as a faithful driver would bring them about, to the end of the push: the clock never goes
    /// back, no attempt takes longer than its timeout, waits end when they should, and nothing is interrupted. Where the
    /// steps come to an end before the push does, all goes well from there on, so that a law about ends holds for
    /// shortened scripts, too.
    let steadily (script: Script) : Turn list =
        let answer (last: Turn) (step: Step) =
            let took = step.Drift.Duration()
            let later = last.Now + took

            match last.Output with
            | Output.Put request ->
                let took, outcome = within request took step.Outcome
                Input.Attempted(last.Now + took, step.Roll, asAsked request outcome)
            | Output.AskUrl(_, until) -> responded later step |> inTime until later
            | Output.TakeDigests(algorithms, until) ->
                match step.Digests with
                | Ok digests -> Input.DigestsTaken(later, ofAlgorithms algorithms digests)
                | Error fault -> Input.NoSource(later, fault)
                |> inTime until later
            | Output.Wait until -> Input.Woke until
            | Output.Done _
            | Output.Failed _ -> Input.Woke later

        let plain = plainStep script

        let rec go (turns: Turn list) (last: Turn) (steps: Step list) =
            match last.Output, steps with
            | (Output.Done _ | Output.Failed _), _ -> List.rev turns
            // A wait takes up no step.
            | Output.Wait _, _ -> next turns last plain steps
            | _, step :: rest -> next turns last step rest
            | _, [] -> next turns last plain []

        and next turns last step rest =
            let turn = after last (answer last step)
            go (turn :: turns) turn rest

        let first = start script
        go [ first ] first script.Steps

    /// The attempts that were begun: the turns that told of them, and the requests.
    let puts (turns: Turn list) : (Turn * PutRequest) list = [
        for turn in turns do
            match turn.Output with
            | Output.Put request -> turn, request
            | _ -> ()
    ]

    /// The waits that were begun, each as long as it was meant to be.
    let waits (turns: Turn list) : TimeSpan list = [
        for turn in turns do
            match turn.Output, turn.Input with
            // A wait that was interrupted is asked for again.
            | Output.Wait until, (Input.Attempted _ | Input.UrlDelayed _) -> until - turn.Now
            | _ -> ()
    ]

    /// The receipt or the failure, if the push has come to its end.
    let ending (turns: Turn list) : Result<Receipt, ExportFailure> option =
        turns
        |> List.tryPick (fun turn ->
            match turn.Output with
            | Output.Done receipt -> Some(Ok receipt)
            | Output.Failed failure -> Some(Error failure)
            | _ -> None)

    /// How long it took from its beginning to its end, or to where the turns break off.
    let lasted (turns: Turn list) : TimeSpan =
        match turns with
        | [] -> TimeSpan.Zero
        | first :: _ ->
            let last =
                turns
                |> List.tryFind (fun turn -> isEnd turn.Output)
                |> Option.defaultValue (List.last turns)

            last.Now - first.Now

    let private told (input: Input) =
        match input with
        | Input.Started(_, length) -> $"the source has {length} bytes"
        | Input.NoSource(_, fault) -> $"no source: {fault.Kind}"
        | Input.UrlGiven _ -> "a URL"
        | Input.UrlGranted _ -> "a URL with its terms"
        | Input.UrlDelayed _ -> "no URL yet"
        | Input.NoUrl _ -> "no URL"
        | Input.DigestsTaken _ -> "the digests"
        | Input.Attempted(_, _, outcome) -> Outcomes.inWords outcome
        | Input.Woke _ -> "woke"

    let private wanted (now: DateTimeOffset) (output: Output) =
        match output with
        | Output.AskUrl(attempt, _) -> $"ask for a URL for attempt {attempt}"
        | Output.TakeDigests _ -> "take digests"
        | Output.Put request -> $"put {request.Attempt}"
        | Output.Wait until ->
            let wait = Made.number "0.###" (until - now).TotalSeconds
            $"wait {wait} s"
        | Output.Done receipt -> $"done, {receipt.Integrity}"
        | Output.Failed failure -> $"failed, {failure.Kind}"

    /// The turns in words, one a line: when, what the machine was told, and what it wants done. For people who look at
    /// what broke a law.
    let describe (turns: Turn list) : string =
        match turns with
        | [] -> ""
        | first :: _ ->
            turns
            |> List.map (fun turn ->
                let since = Made.number "0.000" (turn.Now - first.Now).TotalSeconds
                $"t+{since} s: {told turn.Input} → {wanted turn.Now turn.Output}")
            |> String.concat "\n"
