/// Laws of the push machine, and the words in which they speak of its turns.
module CellOS.Export.S3.Core.Tests.PushRuns

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.Coverage
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver

/// A law, and the cases that its runs have to meet: without them it would hold whatever the machine does.
type Law<'a> = {
    Name: string
    Times: int
    Cases: Case<'a> list
    Holds: 'a -> unit
}

type Run = PushPlan * PlantedUrl list * Turn list

let law name (cases: Case<Run> list) (holds: PushPlan -> Turn list -> unit) : Law<Run> = {
    Name = name
    Times = 250
    Cases = cases
    Holds = fun (plan, _, turns) -> holds plan turns
}

let lawTimes times name cases holds = {
    Name = name
    Times = times
    Cases = cases
    Holds = holds
}

/// The laws over values of one kind, and the test that the values meet their cases.
let laws (what: string) (values: Gen<'a>) (laws: Law<'a> list) = [
    for law in laws do
        propertyTimes law.Times law.Name values law.Holds

    testCase $"{what} meet the cases of their laws" (fun () ->
        expectShares (sample values) [
            for law in laws do
                for name, meets in law.Cases -> $"{law.Name}: {name}", meets
        ])
]

let startOf (turns: Turn list) =
    match turns with
    | { Input = Input.Started(at, _) } :: _ -> Some at
    | _ -> None

let plus (span: TimeSpan) (at: DateTimeOffset) =
    if at.ToUniversalTime() > DateTimeOffset.MaxValue - span then
        DateTimeOffset.MaxValue
    else
        at.ToUniversalTime() + span

let deadlineOf (plan: PushPlan) (turns: Turn list) =
    match startOf turns, plan.Target.Limits.Deadline with
    | Some at, Some deadline -> Some(plus deadline at)
    | _ -> None

let outcomesOf (turns: Turn list) =
    List.pairwise turns
    |> List.choose (fun (before, turn) ->
        match before.Output, turn.Input with
        | Output.Put _, Input.Attempted(_, _, outcome) -> Some(before, turn, outcome)
        | _ -> None)

/// The numbers of the attempts, in their order; one that was repeated without `Expect` counts once.
let attemptsOf (turns: Turn list) =
    puts turns |> List.map (fun (_, put) -> put.Attempt) |> List.distinct

/// The verdict on an attempt, by the table.
let verdictOn (plan: PushPlan) (before: Turn) (turn: Turn) (outcome: Outcome) =
    let put =
        match before.Output with
        | Output.Put put -> put
        | output -> failtestf "No attempt: %A" output

    Verdict.ofOutcome
        {
            Kind = plan.Target.Kind
            WriteOnce = plan.Target.WriteOnce
            Expected = put.ExpectContinue
            IsPresigned = RequestUrl.isPresigned put.Url
            AcceptUnmarked = plan.Target.AcceptUnmarked
            IsPastExpiry =
                (PresignedUrl.inspect put.Url).ExpiresAt
                |> Option.exists (fun at -> at <= turn.Now)
            FixesOtherChecksum = put.Length > 0L && (PresignedUrl.inspect put.Url).EmptyChecksum.IsSome
            Given = PutRequest.givenDigests put
            Object =
                match plan.Target.Bucket with
                | Some bucket when plan.Target.KeyCheck -> Some(Bucket.value bucket, ObjectKey.value plan.Key)
                | _ -> None
            Region = if plan.Target.KeyCheck then plan.Target.Region else None
        }
        outcome

/// The turns, each with whether the digests that it asks for are compared with a response: not those that are taken before
/// anything is sent.
let comparing (turns: Turn list) =
    (false, turns)
    ||> List.mapFold (fun isComparing turn ->
        let isComparing =
            turn.Output.IsTakeDigests
            && (turn.Input.IsAttempted || turn.Input.IsWoke && isComparing)

        (turn, isComparing), isComparing)
    |> fst

let isAllOf (algorithms: DigestAlgorithm list) (digests: Digest list) =
    List.sort algorithms = (digests |> List.map _.Algorithm |> List.sort)

/// The digests that were taken, before anything was sent or for a comparison.
let takenWhere (isComparison: bool) (turns: Turn list) =
    comparing turns
    |> List.pairwise
    |> List.collect (fun ((before, isComparing), (turn, _)) ->
        match before.Output, turn.Input with
        | Output.TakeDigests(algorithms, _), Input.DigestsTaken(_, digests) when
            isComparing = isComparison && isAllOf algorithms digests
            ->
            digests
        | _ -> [])

let knownDigests (turns: Turn list) = takenWhere false turns

let known (algorithm: DigestAlgorithm) (turns: Turn list) =
    knownDigests turns |> List.tryFind (fun digest -> digest.Algorithm = algorithm)

let md5Of (turns: Turn list) = known DigestAlgorithm.Md5 turns


/// Whether a request carries `Content-MD5`.
let carriesMd5 (output: Output) =
    match output with
    | Output.Put put -> put.Headers |> List.exists (fun header -> header.Name = "Content-MD5")
    | _ -> false

let terms (plan: PushPlan) (request: Output) (reply: Reply) = {
    IntegrityTerms.ofMode plan.Target.Integrity with
        HasContentMd5 = carriesMd5 request && Verdict.isOfStore reply
        Given =
            match request with
            | Output.Put put -> PutRequest.givenDigests put
            | _ -> []
}

/// Whether the bytes arrived damaged, by the tables of verdicts and integrity.
let isDamaged (plan: PushPlan) (before: Turn) (turn: Turn) (outcome: Outcome) =
    match verdictOn plan before turn outcome with
    | Verdict.RetryOnce -> true
    | Verdict.Accepted(reply, sent)
    | Verdict.AcceptedIfConfirmed(reply, sent, _) ->
        (Integrity.verdict (terms plan before.Output reply) reply sent).IsMismatch
    | _ -> false

/// Whether a success reported the digest of other bytes.
let private isOther (plan: PushPlan) (before: Turn) (turn: Turn) (outcome: Outcome) =
    isDamaged plan before turn outcome
    && not (verdictOn plan before turn outcome).IsRetryOnce

let differs (plan: PushPlan) (turns: Turn list) =
    outcomesOf turns
    |> List.exists (fun (before, turn, outcome) -> isOther plan before turn outcome)

let isDamagedAtLast (plan: PushPlan) (turns: Turn list) =
    outcomesOf turns
    |> List.tryLast
    |> Option.exists (fun (before, turn, outcome) -> isDamaged plan before turn outcome)

/// The checksum headers of a URL's signature, with the digests that were taken for them.
let signedChecksums (signed: string list) (turns: Turn list) =
    knownDigests turns
    |> List.filter (fun digest -> not digest.Algorithm.IsMd5)
    |> List.map (fun digest -> $"x-amz-checksum-{digest.Algorithm.Name}", digest)
    |> List.filter (fun (name, _) -> List.contains name signed)
    |> List.sortBy (snd >> _.Algorithm)

/// The last success of a run, its request, and what was sent, with the digests that were taken for the comparison.
let lastSuccess (turns: Turn list) =
    let before, _, outcome = outcomesOf turns |> List.last

    match before.Output, outcome with
    | Output.Put put, Outcome.Replied({ Sent = Some sent } as reply) ->
        put,
        reply,
        {
            sent with
                Others =
                    sent.Others
                    @ (takenWhere true turns
                       |> List.filter (fun digest -> (sent.Digest digest.Algorithm).IsNone))
        }
    | _ -> failtestf "done after %A" outcome

// The cases.

let ending (turns: Turn list) =
    turns |> List.tryFind (fun turn -> isEnd turn.Output) |> Option.map _.Output

let failsAs (kinds: FailureKind list) (turns: Turn list) =
    match ending turns with
    | Some(Output.Failed failure) -> List.contains failure.Kind kinds
    | _ -> false

let ofTurns (meets: Turn list -> bool) : Run -> bool = fun (_, _, turns) -> meets turns

let wokenEarly (isWaiting: Output -> bool) =
    ofTurns (fun turns ->
        List.pairwise turns
        |> List.exists (fun (before, turn) ->
            isWaiting before.Output && turn.Input.IsWoke && turn.Output = before.Output))

let putTwice (turns: Turn list) = (puts turns).Length >= 2

let verdicts (plan: PushPlan) (turns: Turn list) =
    outcomesOf turns
    |> List.map (fun (before, turn, outcome) -> verdictOn plan before turn outcome)

let urlsOf (turns: Turn list) =
    puts turns |> List.map (fun (_, put) -> put.Url) |> List.distinct

let damages (plan: PushPlan) (turns: Turn list) =
    outcomesOf turns
    |> List.filter (fun (before, turn, outcome) ->
        isDamaged plan before turn outcome
        // The source is the same.
        && not (turn.Output.IsFailed && failsAs [ FailureKind.SourceChanged ] turns))
    |> List.length

/// Whether a server or a proxy echoes one of the texts in what an attempt came to.
let echoes (turns: Turn list) (secrets: Turn -> string list) =
    outcomesOf turns
    |> List.exists (fun (before, _, outcome) ->
        let text = $"%A{outcome}"
        secrets before |> List.exists text.Contains)

let secretsOf (urls: PlantedUrl list) (isMeant: string -> bool) =
    urls |> List.filter (fun url -> isMeant url.Url) |> List.collect _.Secrets

let urlNow (turn: Turn) =
    match turn.Output with
    | Output.Put put -> RequestUrl.reveal put.Url
    | _ -> ""

// Sources of URLs.

/// The URLs that a source gave when it was asked, each with the turn before and the turn of it.
let grantsOf (turns: Turn list) : (Turn * Turn * UrlGrant) list =
    List.pairwise turns
    |> List.choose (fun (before, turn) ->
        match before.Output, turn.Input with
        | Output.AskUrl _, Input.UrlGranted(_, grant) -> Some(before, turn, grant)
        | Output.AskUrl _, Input.UrlGiven(_, url) -> Some(before, turn, UrlGrant.ofUrl url)
        | _ -> None)

/// The requests to URLs that were asked for, each with its turn and what the source gave last before it.
let grantedPuts (turns: Turn list) : (Turn * PutRequest * UrlGrant) list =
    let rec go (last: UrlGrant option) (before: Turn option) (turns: Turn list) =
        match turns with
        | [] -> []
        | turn :: rest ->
            let last =
                match before, turn.Input with
                | Some { Output = Output.AskUrl _ }, Input.UrlGranted(_, grant) -> Some grant
                | Some { Output = Output.AskUrl _ }, Input.UrlGiven(_, url) -> Some(UrlGrant.ofUrl url)
                | _ -> last

            match turn.Output, last with
            | Output.Put put, Some grant -> (turn, put, grant) :: go last (Some turn) rest
            | _ -> go last (Some turn) rest

    go None None turns

let signs (url: RequestUrl) (header: string) =
    (PresignedUrl.inspect url).SignedHeaders
    |> List.contains (header.ToLowerInvariant())

let isDigestHeader (name: string) =
    let name = name.ToLowerInvariant()
    name = "content-md5" || name.StartsWith "x-amz-checksum-"

/// The headers of a grant that a request of the plan carries because of it, by the document of the protocol: not those
/// that it carries anyway, and not the digests that the signature covers.
let headersOfGrant (plan: PushPlan) (grant: UrlGrant) : (string * string) list =
    let own =
        "host"
        :: "content-length"
        :: [ for header in PushPlan.ownHeaders plan -> header.Name.ToLowerInvariant() ]

    [
        for header in grant.Headers do
            if
                not (List.contains (header.Key.ToLowerInvariant()) own)
                && not (isDigestHeader header.Key && signs grant.Url header.Key)
            then
                header.Key, header.Value
    ]

/// Rejects turns that show a secret of the URLs and headers that the machine knows by then, in whatever way.
let expectNoSecret (plan: PushPlan) (urls: PlantedUrl list) (turns: Turn list) =
    let mutable secrets = secretsOfHeaders plan

    let learn (url: RequestUrl) =
        secrets <-
            urls
            |> List.filter (fun planted -> planted.Url = RequestUrl.reveal url)
            |> List.collect _.Secrets
            |> List.append secrets

    match plan.Url with
    | UrlSource.Given url -> learn url
    | UrlSource.Asked -> ()

    // What comes after the end is the end again.
    let told =
        match turns |> List.tryFindIndex (fun turn -> isEnd turn.Output) with
        | Some i -> List.truncate (i + 1) turns
        | None -> turns

    for i, turn in List.indexed told do
        match turn.Input with
        | Input.UrlGiven(_, url) when i > 0 && turns[i - 1].Output.IsAskUrl -> learn url
        | Input.UrlGranted(_, grant) when i > 0 && turns[i - 1].Output.IsAskUrl ->
            learn grant.Url
            secrets <- Grants.secretsOf grant @ secrets
        | _ -> ()

        for shown in Shown.everyWay turn.Output @ [ string turn.State ] @ renderings turn do
            Expect.isEmpty (holds secrets shown) shown

        match turn.Input with
        | Input.Attempted(_, _, outcome) when i > 0 && turns[i - 1].Output.IsPut ->
            let report = AttemptReport.create turns[i - 1].State outcome

            for shown in AttemptReport.inWords turns[i - 1].State outcome :: Shown.everyWay report do
                Expect.isEmpty (holds secrets shown) shown
        | _ -> ()

        Expect.isEmpty
            (Push.retryWait turn.State
             |> Option.map (fun wait -> holds secrets wait.Reason)
             |> Option.defaultValue [])
            "the reason of a wait"

    match List.tryLast turns with
    | Some turn ->
        for shown in Shown.everyWay turn.State do
            Expect.isEmpty (holds secrets shown) shown
    | None -> ()
