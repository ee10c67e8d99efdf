/// Plans and scripts of inputs for the push machine.
module CellOS.Export.S3.Core.Tests.PushGenerators

open System
open System.Collections.Generic
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.UrlGenerators

let sha256 = Outcomes.sha256
let md5 = Outcomes.md5
let reply = Outcomes.reply
let fault = Outcomes.fault
let outcome = Outcomes.any
let roll = Scripts.roll
let customerKey = Plans.CustomerKey
let secretsOfHeaders = Plans.secretsOf

let ms (milliseconds: int) =
    TimeSpan.FromMilliseconds(float milliseconds)

let policy mode attempts (backoff: int) (cap: int) =
    match RetryPolicy.create mode attempts (ms backoff) (ms cap) with
    | Ok policy -> policy
    | Error refusals -> failwithf "The generator made a wrong policy: %A" refusals

let private ok result =
    match result with
    | Ok value -> value
    | Error refusal -> failwithf "A wrong plan: %O" refusal

let private cell = ok (CellId.create "cell-1")
let private artifact = ok (ArtifactName.create "logs/out.txt")

/// The plan of the stories: one artifact, and the default settings unless they are changed.
let plan (url: string option) (change: Target -> Target) =
    let target =
        Target.create cell (ok (Bucket.create "evidence")) (url |> Option.map (UrlTemplate.parse >> ok))

    ok (PushPlan.create (change target) artifact)

let pairs (headers: (string * string) list) =
    headers |> List.map (fun (name, value) -> KeyValuePair(name, value))

let private plans = Plans.forArtifact cell artifact

/// Plans with any settings whose URLs are asked for.
let anyPlan = plans None

/// True if a push of the plan has time for several attempts, and no key that must not go in the clear.
let hasTime (plan: PushPlan) =
    plan.Target.Retry.MaxAttempts > 1
    && plan.Target.Limits.Deadline
       |> Option.forall (fun deadline -> deadline >= TimeSpan.FromSeconds 6.)
    && plan.Headers |> List.forall (fun header -> header.Name <> customerKey)

/// Of some scripts the one with the most attempts: what a law forbids mostly takes more than one.
let longest (count: int) (scripts: Gen<Script>) =
    scripts
    |> Gen.listOfLength count
    |> Gen.map (List.maxBy (Play.script >> Play.puts >> List.length))

/// Of some scripts the first whose turns are as wanted; any, if none is.
let wanted (count: int) (isWanted: Script -> Turn list -> bool) (scripts: Gen<Script>) =
    scripts
    |> Gen.listOfLength count
    |> Gen.map (fun all ->
        all
        |> List.tryFind (fun script -> isWanted script (Play.script script))
        |> Option.defaultValue all.Head)

/// Whether what an attempt came to echoes a secret of a URL that was in use before the attempt's own.
let echoesEarlierUrl (urls: PlantedUrl list) (turns: Turn list) =
    let urlOf (turn: Turn) =
        match turn.Output with
        | Output.Put put -> Some(RequestUrl.reveal put.Url)
        | _ -> None

    List.pairwise turns
    |> List.indexed
    |> List.exists (fun (index, (before, turn)) ->
        match urlOf before, turn.Input with
        | Some now, Input.Attempted(_, _, outcome) ->
            let earlier =
                turns
                |> List.truncate index
                |> List.choose urlOf
                |> List.filter (fun url -> url <> now)

            let secrets =
                urls
                |> List.filter (fun url -> List.contains url.Url earlier)
                |> List.collect _.Secrets

            not secrets.IsEmpty
            && (let text = $"%A{outcome}" in secrets |> List.exists text.Contains)
        | _ -> false)

let private missesDeadline (_: Script) (turns: Turn list) =
    match Play.ending turns with
    | Some(Error failure) -> failure.Kind = FailureKind.DeadlineExceeded && failure.Attempts > 0
    | _ -> false

/// True if the push ends with a failure after all of several attempts.
let private isInVain (script: Script) (turns: Turn list) =
    match Play.ending turns with
    | Some(Error failure) -> failure.Attempts > 1 && failure.Attempts = script.Plan.Target.Retry.MaxAttempts
    | _ -> false

/// True if the push ends with such a failure, after at least the given number of attempts.
let private endsAs (kind: FailureKind) (attempts: int) (_: Script) (turns: Turn list) =
    match Play.ending turns with
    | Some(Error failure) -> failure.Kind = kind && failure.Attempts >= attempts
    | _ -> false

/// True if a success with the whole body, as a store answers, does not end in a receipt.
let private rejectsSuccess (_: Script) (turns: Turn list) =
    turns
    |> List.exists (fun turn ->
        match turn.Input with
        | Input.Attempted(_, _, Outcome.Replied reply) ->
            reply.IsSuccess
            && reply.IsMarked
            && reply.Sent.IsSome
            && reply.Error.IsNone
            && (match turn.Output with
                | Output.Failed failure ->
                    failure.Kind = FailureKind.IntegrityMismatch
                    || failure.Kind = FailureKind.Unverified
                | Output.Done _ -> false
                | _ -> reply.Contradiction.IsNone && reply.Body.IsNone)
        | _ -> false)

/// True if the push ends with a receipt after several attempts.
let private isDoneAtLast (_: Script) (turns: Turn list) =
    match Play.ending turns with
    | Some(Ok receipt) -> receipt.Attempts > 1
    | _ -> false

/// Scripts of pushes whose URLs come from a broker, of all kinds.
let anyOfBroker = Scripts.fromBroker cell artifact

/// Scripts of pushes of the stories' artifact, of all kinds.
let scriptsOfOneArtifact = Scripts.forArtifact cell artifact

/// Scripts of a driver that keeps to the protocol, however its clock, its server and its URLs behave; now and then it
/// reports a length that no file has. Some are chosen for what is rare among all: several attempts, a second URL, a
/// deadline that ends the push, a source that changed, damage that comes twice, a customer's key. None has a broker.
let scriptsWithoutBroker =
    let any = scriptsOfOneArtifact

    let having (isRare: PushPlan -> bool) =
        any |> Gen.filter (fun script -> isRare script.Plan)

    Gen.frequency [
        12, any |> Gen.map (fun script -> { script with Length = -1L })
        2, any
        33, longest 4 any
        30,
        wanted
            24
            (fun script -> echoesEarlierUrl script.Urls)
            (having (fun plan -> plan.Url = UrlSource.Asked))
        10, wanted 8 isInVain any
        9, wanted 16 isDoneAtLast any
        11, wanted 30 rejectsSuccess any
        6, wanted 6 (endsAs FailureKind.SourceChanged 1) any
        15, wanted 16 (endsAs FailureKind.IntegrityMismatch 2) any
        12, wanted 20 missesDeadline (having _.Target.Limits.Deadline.IsSome)
        9, having (fun plan -> plan.Headers |> List.exists (fun header -> header.Name = customerKey))
    ]

/// Scripts with a broker and without one.
let scripts = Gen.frequency [ 11, scriptsWithoutBroker; 1, anyOfBroker ]

let private instants =
    Gen.frequency [
        8,
        Gen.choose (-100000, 100000)
        |> Gen.map (fun seconds -> noon.AddSeconds(float seconds))
        1,
        Gen.elements [
            DateTimeOffset.MinValue
            DateTimeOffset.MaxValue
            DateTimeOffset(DateTime.MaxValue, TimeSpan.FromHours 14.)
            DateTimeOffset(DateTime.MinValue, TimeSpan.FromHours -14.)
        ]
    ]

let private input (length: int64) (plan: PushPlan) (urls: PlantedUrl list) =
    gen {
        let! at = instants
        let! step = Scripts.step length plan urls

        let! fault =
            Outcomes.fault (Gen.constant None) (Plans.secretsOf plan @ (urls |> List.collect _.Echoes))

        let! digests =
            Gen.oneof [
                Gen.constant [ Digest.tryParseHex DigestAlgorithm.Md5 md5 |> Option.get ]
                Gen.subListOf Outcomes.digests
                Gen.subListOf Outcomes.otherDigests
            ]

        let! ends = Gen.optionOf instants

        let grant = {
            UrlGrant.ofUrl (parsed urls.Head.Url) with
                ExpiresAt = ends
        }

        let! input =
            Gen.frequency [
                3, Gen.constant (Input.Started(at, length))
                1, Gen.constant (Input.NoSource(at, fault))
                3, Gen.constant (Input.UrlGiven(at, parsed urls.Head.Url))
                2, Gen.constant (Input.UrlGranted(at, grant))
                1, Gen.constant (Input.UrlDelayed(at, step.Roll, fault.Detail, TimeSpan.FromSeconds 2.))
                1, Gen.constant (Input.NoUrl(at, fault.Detail))
                3, Gen.constant (Input.DigestsTaken(at, digests))
                6, Gen.constant (Input.Attempted(at, step.Roll, step.Outcome))
                4, Gen.constant (Input.Woke at)
            ]

        return input
    }

/// Any inputs in any order.
let misuse =
    gen {
        let! url = presigned
        let! asked = Gen.elements [ true; false ]
        let! plan = plans (if asked then None else Some url)
        let! length = Gen.elements [ 0L; 1000L; Int64.MaxValue; Int64.MinValue ]
        let! started = Gen.elements [ true; true; false ]
        let! first = instants
        let! inputs = Gen.listOf (input length plan [ url ])
        let inputs = if started then Input.Started(first, 1000L) :: inputs else inputs
        return plan, [ url ], inputs
    }
