/// Laws of pushes whose URLs come from a broker or a command, with headers and an expiry.
module CellOS.Export.S3.Core.Tests.BrokerLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.PushRuns

let private lawOf name cases holds =
    lawTimes 120 name cases (fun (plan: PushPlan, turns: Turn list) -> holds plan turns)

/// The turns in which a question begins: not those that repeat an interrupted one.
let private questions (turns: Turn list) =
    turns
    |> List.filter (fun turn -> turn.Output.IsAskUrl && not turn.Input.IsWoke)
    |> List.length

/// The delays that a source asked for, each with its turn.
let private delays (turns: Turn list) =
    List.pairwise turns
    |> List.choose (fun (before, turn) ->
        match before.Output, turn.Input with
        | Output.AskUrl _, Input.UrlDelayed(_, _, _, after) -> Some(turn, after)
        | _ -> None)

let private digestsOfGrant (grant: UrlGrant) = [
    for header in grant.Headers do
        if isDigestHeader header.Key && signs grant.Url header.Key then
            header.Key, header.Value
]

/// Whether a digest that a source signed is not the content's.
let private isOfOtherContent (grant: UrlGrant) =
    let others = Outcomes.otherDigests |> List.map _.Base64

    digestsOfGrant grant
    |> List.exists (fun (_, value) -> List.contains value others)

/// What is wrong with the headers of a grant, by the document of the protocol.
let private isUnsigned (grant: UrlGrant) =
    grant.Headers
    |> Seq.exists (fun header ->
        header.Key.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase)
        && not (signs grant.Url header.Key))

let private hasOtherValue (plan: PushPlan) (grant: UrlGrant) =
    grant.Headers
    |> Seq.exists (fun header ->
        header.Key = "Content-Length"
        || PushPlan.ownHeaders plan
           |> List.exists (fun own ->
               own.Name.Equals(header.Key, StringComparison.OrdinalIgnoreCase)
               && RequestHeader.reveal own <> header.Value))

let private isForbidden (grant: UrlGrant) =
    grant.Headers |> Seq.exists (fun header -> header.Key = "Authorization")

let private isOfOtherObject (plan: PushPlan) (url: RequestUrl) =
    not (
        Uri
            .UnescapeDataString(RequestUrl.path url)
            .EndsWith(ObjectKey.value plan.Key, StringComparison.Ordinal)
    )

/// The last moment at which a request may begin, by the word of the source: clocks may differ by 15 minutes.
let private lastBy (grant: UrlGrant) =
    grant.ExpiresAt |> Option.map (fun at -> at.AddMinutes 15.)

/// The URLs that the server called expired, and those that were replaced because they had expired, before each turn.
let private calledExpired (plan: PushPlan) (turns: Turn list) =
    outcomesOf turns
    |> List.choose (fun (before, turn, outcome) ->
        match before.Output, verdictOn plan before turn outcome with
        | Output.Put put, Verdict.FreshUrl -> Some(turn, put.Url)
        | _ -> None)

let private isBefore (turns: Turn list) (first: Turn) (second: Turn) =
    let at (turn: Turn) =
        turns |> List.findIndex (fun other -> obj.ReferenceEquals(other, turn))

    at first < at second

/// Whether the last grant is as wanted, and the push ends as given after it.
let private endsWith (kinds: FailureKind list) (meets: PushPlan -> UrlGrant -> bool) (plan, turns) =
    match List.tryLast (grantsOf turns) with
    | Some(_, _, grant) -> meets plan grant && failsAs kinds turns
    | None -> false

let private sends (meets: PushPlan -> UrlGrant -> bool) (plan, turns) =
    grantedPuts turns |> List.exists (fun (_, _, grant) -> meets plan grant)

let private unusable = [ FailureKind.UrlUnusable ]

let private isUnfit (plan: PushPlan) (grant: UrlGrant) =
    isUnsigned grant || hasOtherValue plan grant || isForbidden grant

// The cases that few scripts meet.

let private isBoundAndAskedAgain (plan: PushPlan, turns: Turn list) =
    plan.Target.BindDigest && questions turns > 1

let private asksInVain (plan: PushPlan, turns: Turn list) =
    questions turns >= 2
    && failsAs [ FailureKind.Unavailable ] turns
    && (puts turns).IsEmpty
    && (delays turns).Length = plan.Target.Retry.MaxAttempts

let private asksAgainForTheNextUrl (_: PushPlan, turns: Turn list) =
    let afterPut = turns |> List.skipWhile (fun turn -> not turn.Output.IsPut)

    (delays turns).Length > (delays afterPut).Length
    && not (delays afterPut).IsEmpty

let private waitsForSource (plan: PushPlan, turns: Turn list) =
    delays turns
    |> List.exists (fun (turn, after) ->
        turn.Output.IsWait
        && after > plan.Target.Retry.Backoff
        && after <= plan.Target.Retry.MaxBackoff)

let private isDelayedPastDeadline (_: PushPlan, turns: Turn list) =
    delays turns
    |> List.exists (fun (turn, _) ->
        match turn.Output with
        | Output.Failed failure -> failure.Kind = FailureKind.DeadlineExceeded
        | _ -> false)

let private sendsHeadersTwice (plan: PushPlan, turns: Turn list) =
    grantedPuts turns
    |> List.filter (fun (_, _, grant) -> not (headersOfGrant plan grant).IsEmpty)
    |> List.countBy (fun (_, put, _) -> put.Url)
    |> List.exists (fun (_, count) -> count > 1)

let private changesHeaders (plan: PushPlan, turns: Turn list) =
    grantedPuts turns
    |> List.pairwise
    |> List.exists (fun ((_, _, first), (_, _, second)) ->
        List.except (headersOfGrant plan second) (headersOfGrant plan first) <> [])

let private isRefusedForHeaders (meets: PushPlan -> UrlGrant -> bool) = endsWith unusable meets

let private isUnfitAfterAnother (plan: PushPlan, turns: Turn list) =
    not (puts turns).IsEmpty && endsWith unusable isUnfit (plan, turns)

let private isForOther (plan: PushPlan) (grant: UrlGrant) = isOfOtherObject plan grant.Url

let private isRefusedForObject (plan: PushPlan, turns: Turn list) =
    plan.Target.KeyCheck && endsWith unusable isForOther (plan, turns)

/// Whether a URL ended by the word of its source, not by its own, between two questions.
let private endsInUse (_: PushPlan, turns: Turn list) =
    grantsOf turns
    |> List.pairwise
    |> List.exists (fun ((_, _, first), (before, _, _)) ->
        match lastBy first, PresignedUrl.usableUntil (PresignedUrl.inspect first.Url) with
        | Some last, own -> before.Now > last && own |> Option.forall (fun own -> before.Now <= own)
        | None, _ -> false)

let private isGivenTwice (plan: PushPlan, turns: Turn list) =
    let expired = calledExpired plan turns

    failsAs [ FailureKind.UrlExpired ] turns
    && grantsOf turns
       |> List.exists (fun (_, turn, grant) ->
           turn.Output.IsFailed && expired |> List.exists (fun (_, url) -> url = grant.Url))

let private isReplaced (plan: PushPlan, turns: Turn list) =
    not (calledExpired plan turns).IsEmpty && (urlsOf turns).Length > 1

let private isRefused (turns: Turn list) =
    List.pairwise turns
    |> List.exists (fun (before, turn) -> before.Output.IsAskUrl && turn.Input.IsNoUrl)

let private isRefusedLater (_: PushPlan, turns: Turn list) =
    isRefused turns && not (puts turns).IsEmpty

let private isRefusedAfterDelay (_: PushPlan, turns: Turn list) =
    isRefused turns && not (delays turns).IsEmpty

let private steps (change: int -> Step -> Step) (script: Script) : Script = {
    script with
        Steps = List.mapi change script.Steps
}

let private answers (change: int -> UrlAnswer -> UrlAnswer) : Script -> Script =
    steps (fun index step -> {
        step with
            Answer = change index step.Answer
    })

/// The first attempts meet a server that calls the URL expired.
let private expiring (script: Script) : Gen<Script> =
    Gen.zip (Gen.choose (3, 9)) (Outcomes.expired script.Length [])
    |> Gen.map (fun (count, expired) ->
        script
        |> steps (fun index step -> if index < count then { step with Outcome = expired } else step))

/// The broker is busy at the given steps.
let private busyAt (after: TimeSpan) (isBusy: int -> bool) : Script -> Script =
    answers (fun index answer ->
        if isBusy index then UrlAnswer.Later("the broker is busy", after) else answer)

/// The broker refuses from the given step on.
let private refusingFrom (first: int) : Script -> Script =
    answers (fun index answer -> if index < first then answer else UrlAnswer.Refused "the quota is used up")

/// By the word of their source, the URLs end some seconds after the push begins, and the store is busy.
let private endingSoon (script: Script) : Script =
    let ends = script.StartedAt.AddMinutes(-15.).AddSeconds 2.

    script
    |> steps (fun _ step -> {
        step with
            Outcome = Outcome.Replied(Reply.Of 503)
            Answer =
                match step.Answer with
                | UrlAnswer.Granted grant -> UrlAnswer.Granted { grant with ExpiresAt = Some ends }
                | answer -> answer
    })

/// Plans of pushes that have time for several attempts.
let private patient =
    gen {
        let! plan = anyPlan |> Gen.filter hasTime
        let! bindsDigest = Gen.elements [ true; false ]

        return {
            plan with
                Target = {
                    plan.Target with
                        BindDigest = bindsDigest
                }
        }
    }

/// Scripts whose broker gives these grants.
let private giving (grants: PushPlan -> Gen<PlantedGrant> list) : Gen<Script> =
    gen {
        let! plan = patient
        let! grants = grants plan |> Gen.sequenceToList
        return! Scripts.forGrants grants plan
    }

let private grantThat (meets: UrlGrant -> bool) (plan: PushPlan) =
    Grants.forPlan plan |> Gen.filter (fun planted -> meets planted.Grant)

/// A grant that serves the plan for a day.
let private good (plan: PushPlan) =
    plan
    |> grantThat (fun grant ->
        not (isUnfit plan grant || isOfOtherContent grant || isOfOtherObject plan grant.Url)
        && grant.ExpiresAt |> Option.forall (fun at -> at > Urls.noon.AddHours 1.)
        && (PresignedUrl.inspect grant.Url).ExpiresAt
           |> Option.forall (fun at -> at > Urls.noon.AddHours 1.))

let private isGiven (meets: PushPlan -> UrlGrant -> bool) =
    giving (fun plan -> [ grantThat (meets plan) plan ])

/// Scripts whose broker gives a good grant first, another one later, and whose server calls the first expired.
let private replacing (another: PushPlan -> Gen<PlantedGrant>) =
    gen {
        let! plan = patient
        let! first, second = Gen.zip (good plan) (another plan)
        let! script = Scripts.forGrants [ first; second ] plan

        return!
            script
            |> answers (fun index _ -> UrlAnswer.Granted (if index < 3 then first else second).Grant)
            |> expiring
    }

let private choose (meets: PushPlan * Turn list -> bool) count values =
    wanted count (fun script turns -> meets (script.Plan, turns)) values

let private seconds (count: int) = TimeSpan.FromSeconds(float count)
let private two = giving (fun plan -> [ good plan; good plan ])

/// Scripts whose broker is busy, refuses, or is asked more than once.
let private ofQuestions =
    Gen.frequency [
        1, anyOfBroker
        1, two
        2, two |> Gen.map (busyAt TimeSpan.Zero (fun _ -> true)) |> choose asksInVain 8
        4,
        two
        |> Gen.bind expiring
        |> Gen.map (busyAt (seconds 1) (fun index -> index % 2 = 0))
        |> choose asksAgainForTheNextUrl 16
        2,
        anyOfBroker
        |> Gen.map (busyAt (seconds 60) (fun _ -> true))
        |> choose isDelayedPastDeadline 8
        1,
        two
        |> Gen.map (busyAt (seconds 5) (fun index -> index < 2))
        |> choose waitsForSource 2
        3, two |> Gen.bind expiring |> Gen.map (refusingFrom 4) |> choose isRefusedLater 16
        3,
        two
        |> Gen.map (busyAt (seconds 1) (fun index -> index < 4) >> refusingFrom 4)
        |> choose isRefusedAfterDelay 6
    ]

/// Scripts whose broker gives headers, those that fit and those that do not.
let private ofHeaders =
    Gen.frequency [
        1, anyOfBroker
        3, two |> choose sendsHeadersTwice 8
        3, replacing good |> choose changesHeaders 12
        3,
        isGiven (fun _ -> isOfOtherContent)
        |> choose (isRefusedForHeaders (fun _ -> isOfOtherContent)) 4
        2, isGiven (fun _ -> isUnsigned)
        2, isGiven hasOtherValue
        2, isGiven (fun _ -> isForbidden)
        3,
        replacing (fun plan -> grantThat (isUnfit plan) plan)
        |> choose isUnfitAfterAnother 14
    ]

/// Scripts whose broker gives URLs of other objects, and URLs that expire or have expired.
let private ofUrls =
    Gen.frequency [
        1, anyOfBroker
        3, isGiven isForOther |> choose isRefusedForObject 3
        3, isGiven isForOther |> choose (sends isForOther) 8
        3, two |> Gen.map endingSoon |> choose endsInUse 14
        2, isGiven (fun _ _ -> true) |> Gen.bind expiring
        2, two |> Gen.bind expiring |> choose isReplaced 3
    ]

let private lawsOfQuestions = [
    lawOf
        "digests that are bound are taken before a URL is asked for, and go with every question"
        [
            "bound, and asked more than once", isBoundAndAskedAgain
            "bound, and put", (fun (plan, turns) -> plan.Target.BindDigest && not (puts turns).IsEmpty)
            "not bound", (fun (plan, turns) -> not plan.Target.BindDigest && questions turns > 0)
        ]
        (fun plan turns ->
            for i, turn in List.indexed turns do
                match turn.Output with
                | Output.AskUrl(attempt, _) ->
                    let known = knownDigests (List.truncate (i + 1) turns)
                    let request = Push.urlRequest turn.State attempt

                    let expected = [
                        if plan.Target.BindDigest then
                            for algorithm in UrlRequest.bound do
                                known |> List.find (fun digest -> digest.Algorithm = algorithm)
                    ]

                    Expect.equal request.Digests expected "the digests of the question"
                | _ -> ())

    lawOf
        "of each URL, no more is asked than there are attempts"
        [
            "all questions in vain", asksInVain
            "a URL after a delay",
            (fun (_, turns) -> not (delays turns).IsEmpty && not (grantsOf turns).IsEmpty)
            "again for the next URL", asksAgainForTheNextUrl
        ]
        (fun plan turns ->
            let mutable asked = 0

            for turn in turns do
                match turn.Input, turn.Output with
                | (Input.UrlGranted _ | Input.UrlGiven _), Output.AskUrl _ -> asked <- 1
                | (Input.UrlGranted _ | Input.UrlGiven _), _ -> asked <- 0
                | input, Output.AskUrl _ when not input.IsWoke -> asked <- asked + 1
                | _ -> ()

                Expect.isTrue (asked <= plan.Target.Retry.MaxAttempts) $"{asked} questions")

    lawOf
        "what a source asks to wait is waited, and no more than the policy allows"
        [
            "some seconds", waitsForSource
            "more than the policy allows",
            (fun (plan, turns) ->
                delays turns
                |> List.exists (fun (turn, after) ->
                    turn.Output.IsWait && after > plan.Target.Retry.MaxBackoff))
            "past the deadline", isDelayedPastDeadline
        ]
        (fun plan turns ->
            let policy = plan.Target.Retry

            for turn, after in delays turns do
                let least = min policy.MaxBackoff (max TimeSpan.Zero after)

                match turn.Output with
                | Output.Wait until ->
                    Expect.isTrue (until - turn.Now >= least) "as long as it asks"
                    Expect.isTrue (until - turn.Now <= max policy.Backoff policy.MaxBackoff) "no longer"
                | Output.AskUrl _ -> Expect.equal least TimeSpan.Zero "asked at once"
                | output -> Expect.isTrue output.IsFailed "the end")

    lawOf
        "a refusal of the source ends the push, and is not an attempt"
        [
            "of the first question",
            (fun (_, turns) -> turns |> List.exists _.Input.IsNoUrl && (puts turns).IsEmpty)
            "of a later one", isRefusedLater
            "after a delay", isRefusedAfterDelay
        ]
        (fun _ turns ->
            for before, turn in List.pairwise turns do
                match before.Output, turn.Input, turn.Output with
                | Output.AskUrl _, Input.NoUrl _, Output.Failed failure ->
                    Expect.equal failure.Kind FailureKind.UrlUnusable failure.Message
                    Expect.equal failure.Attempts (attemptsOf turns).Length "attempts"
                | Output.AskUrl _, Input.NoUrl _, output -> failtestf "Not the end: %A" output
                | _ -> ())
]

let private lawsOfHeaders = [
    lawOf
        "a header that came with a URL goes with its requests, and with no others"
        [
            "sent", sends (fun plan grant -> not (headersOfGrant plan grant).IsEmpty)
            "sent in two attempts", sendsHeadersTwice
            "not sent with the next URL", changesHeaders
        ]
        (fun plan turns ->
            let ofAll =
                grantsOf turns |> List.collect (fun (_, _, grant) -> headersOfGrant plan grant)

            for _, put, grant in grantedPuts turns do
                let own = headersOfGrant plan grant

                let sent = [ for header in put.Headers -> header.Name, RequestHeader.reveal header ]

                Expect.all own (fun header -> List.contains header sent) "those of its URL"

                Expect.isEmpty
                    (List.except own ofAll |> List.filter (fun header -> List.contains header sent))
                    "none of another URL")

    lawOf
        "no request sends other content than the source of its URL signed"
        [
            "the same content", sends (fun _ grant -> not (digestsOfGrant grant).IsEmpty)
            "other content", isRefusedForHeaders (fun _ -> isOfOtherContent)
            "the same content, and the digests were not bound",
            (fun (plan, turns) ->
                not plan.Target.BindDigest
                && sends (fun _ grant -> not (digestsOfGrant grant).IsEmpty) (plan, turns))
        ]
        (fun _ turns ->
            for _, put, grant in grantedPuts turns do
                for name, value in digestsOfGrant grant do
                    Expect.equal
                        [
                            for header in put.Headers do
                                if header.Name.Equals(name, StringComparison.OrdinalIgnoreCase) then
                                    RequestHeader.reveal header
                        ]
                        [ value ]
                        name)

    lawOf
        "a header that does not fit ends the push before anything is sent to its URL"
        [
            "one that is not signed", isRefusedForHeaders (fun _ -> isUnsigned)
            "another value than the upload's", isRefusedForHeaders hasOtherValue
            "one that no presigner may give", isRefusedForHeaders (fun _ -> isForbidden)
            "after another URL was put to", isUnfitAfterAnother
        ]
        (fun plan turns ->
            for _, turn, grant in grantsOf turns do
                if isUnfit plan grant then
                    match turn.Output with
                    | Output.Failed failure ->
                        Expect.contains
                            [
                                FailureKind.UrlUnusable
                                FailureKind.UrlExpired
                                FailureKind.DeadlineExceeded
                            ]
                            failure.Kind
                            failure.Message
                    | output -> failtestf "Not the end: %A" output)
]

let private lawsOfUrls = [
    lawOf
        "a URL that came for another object is not sent to, unless the target allows it"
        [ "refused", isRefusedForObject; "allowed", sends isForOther ]
        (fun plan turns ->
            for _, put, _ in grantedPuts turns do
                Expect.isFalse (plan.Target.KeyCheck && isOfOtherObject plan put.Url) "its own object")

    lawOf
        "a URL that has expired, by the word of its source or of the server, is not sent to again"
        [
            "by the word of its source",
            endsWith [ FailureKind.UrlExpired ] (fun _ grant -> grant.ExpiresAt.IsSome)
            "while it was in use", endsInUse
            "by the server's, and given twice", isGivenTwice
            "by the server's, and another is given", isReplaced
        ]
        (fun plan turns ->
            let expired = calledExpired plan turns

            for turn, put, grant in grantedPuts turns do
                lastBy grant
                |> Option.iter (fun last -> Expect.isTrue (turn.Now <= last) "its source says so")

                for at, url in expired do
                    Expect.isFalse
                        (url = put.Url && (obj.ReferenceEquals(at, turn) || isBefore turns at turn))
                        "the server said so")
]

/// The secret headers that had come with URLs before each turn.
let private withSecretsBefore (turns: Turn list) =
    List.indexed turns
    |> List.map (fun (index, turn) ->
        turn,
        grantsOf (List.truncate index turns)
        |> List.map (fun (_, _, grant) -> Grants.secretsOf grant))

let private echo (text: string) (secrets: string list) = secrets |> List.exists text.Contains

/// Scripts whose server and broker echo the header that comes with the first URL.
let private echoing =
    gen {
        let! plan = patient

        let! first =
            good plan
            |> Gen.filter (fun planted -> not (Grants.secretsOf planted.Grant).IsEmpty)

        let! second = good plan
        let! script = Scripts.forGrants [ first; second ] plan
        let secrets = Grants.secretsOf first.Grant
        let! expired = Outcomes.expired script.Length secrets

        let! outcomes =
            Gen.listOfLength script.Steps.Length (Outcomes.any script.Length secrets)

        let! later =
            Gen.elements [
                UrlAnswer.Granted second.Grant
                UrlAnswer.Refused $"the token {secrets.Head} is for another cell"
                UrlAnswer.Later($"{secrets.Head} has no quota left", TimeSpan.FromSeconds 1.)
            ]

        return
            script
            |> steps (fun index step -> {
                step with
                    Answer = if index < 3 then UrlAnswer.Granted first.Grant else later
                    Outcome = if index < 5 then expired else outcomes[index]
            })
    }

let private ofEchoes = [
    lawTimes
        60
        "no output and no state shows a secret that came with a URL, in whatever way"
        [
            "a server echoes the header of the URL in use",
            (fun (_, _, turns) ->
                withSecretsBefore turns
                |> List.exists (fun (turn, secrets) ->
                    match turn.Input, List.tryLast secrets with
                    | Input.Attempted(_, _, outcome), Some secrets -> echo $"%A{outcome}" secrets
                    | _ -> false))
            "a server echoes the header of an earlier URL",
            (fun (_, _, turns) ->
                withSecretsBefore turns
                |> List.exists (fun (turn, secrets) ->
                    match turn.Input, secrets with
                    | Input.Attempted(_, _, outcome), first :: _ :: _ -> echo $"%A{outcome}" first
                    | _ -> false))
            "the source echoes the header of an earlier URL",
            (fun (_, _, turns) ->
                withSecretsBefore turns
                |> List.exists (fun (turn, secrets) ->
                    match turn.Input with
                    | Input.NoUrl(_, reason)
                    | Input.UrlDelayed(_, _, reason, _) -> echo reason (List.concat secrets)
                    | _ -> false))
        ]
        (fun (plan, urls, turns) -> expectNoSecret plan urls turns)
]

[<Tests>]
let tests =
    let played scripts =
        scripts |> Gen.map (fun (script: Script) -> script.Plan, play script)

    testList "Push laws of brokers" [
        yield! laws "questions" (played ofQuestions) lawsOfQuestions
        yield! laws "headers of brokers" (played ofHeaders) lawsOfHeaders
        yield! laws "URLs of brokers" (played ofUrls) lawsOfUrls

        yield!
            laws
                "echoing scripts of brokers"
                (echoing |> Gen.map (fun script -> script.Plan, script.Urls, play script))
                ofEchoes
    ]
