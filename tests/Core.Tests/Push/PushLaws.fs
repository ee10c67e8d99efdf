module CellOS.Export.S3.Core.Tests.PushLaws

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
open CellOS.Export.S3.Core.Tests.PushRuns

/// Six of seven keep to the protocol.
let private runs =
    Gen.frequency [
        6, scripts |> Gen.map (fun script -> script.Plan, script.Urls, play script)
        1, misuse |> Gen.map (fun (plan, urls, inputs) -> plan, urls, feed plan inputs)
    ]

/// Pushes whose source of URLs has one or two, and whose server often calls them expired.
let private sameAnswers =
    let expired =
        Outcome.Replied {
            Reply.Of 403 with
                Error = Some(S3Error.Of "ExpiredToken")
        }

    gen {
        let! urls = Gen.listOfLength 2 (Urls.sigV4 Urls.noon 86400)

        let! script =
            Scripts.forPlan urls (plan None (fun target -> { target with KeyCheck = false }))

        let! steps =
            script.Steps
            |> List.map (fun step ->
                Gen.zip (Gen.elements [ true; false ]) (Gen.elements urls)
                |> Gen.map (fun (isExpired, url) -> {
                    step with
                        Answer = UrlAnswer.Given url.Request
                        Outcome = if isExpired then expired else step.Outcome
                }))
            |> Gen.sequenceToList

        return { script with Steps = steps }
    }

let private ofRuns = [
    law
        "an ended push stays ended and repeats its output"
        [
            "told more after its end",
            ofTurns (fun turns -> turns |> List.filter (fun turn -> isEnd turn.Output) |> List.length >= 2)
        ]
        (fun _ turns ->
            match turns |> List.tryFindIndex (fun turn -> isEnd turn.Output) with
            | None -> ()
            | Some i ->
                for turn in turns[i..] do
                    Expect.isTrue (obj.ReferenceEquals(turn.Output, turns[i].Output)) "the same output")

    law
        "waking early gives the same wait again"
        [
            "a wait", wokenEarly _.IsWait
            "a question", wokenEarly _.IsAskUrl
            "digests", wokenEarly _.IsTakeDigests
        ]
        (fun _ turns ->
            for before, turn in List.pairwise turns do
                match before.Output, turn.Input with
                | Output.Wait until, Input.Woke at when at < until ->
                    Expect.equal turn.Output before.Output "the same wait"
                | Output.Wait until, Input.Woke _ ->
                    Expect.notEqual turn.Output (Output.Wait until) "the wait is over"
                | Output.AskUrl _, Input.Woke _
                | Output.TakeDigests _, Input.Woke _ ->
                    Expect.isTrue
                        (turn.Output = before.Output || turn.Output.IsFailed)
                        "the same, or too late"
                | _ -> ())

    law
        "never more puts than attempts, and they count from 1"
        [
            "all of several attempts in vain",
            fun (plan, _, turns) ->
                putTwice turns
                && (puts turns).Length = plan.Target.Retry.MaxAttempts
                && (ending turns |> Option.exists _.IsFailed)
        ]
        (fun plan turns ->
            let attempts = attemptsOf turns
            Expect.sequenceEqual attempts [ 1 .. attempts.Length ] "one after the other"
            Expect.isTrue (attempts.Length <= plan.Target.Retry.MaxAttempts) "no more than allowed")

    law
        "an attempt is repeated only without Expect, after a 417"
        [
            "repeated", ofTurns (fun turns -> (puts turns).Length > (attemptsOf turns).Length)
        ]
        (fun _ turns ->
            let answers =
                outcomesOf turns
                |> List.map (fun (before, _, outcome) ->
                    match before.Output with
                    | Output.Put put -> put, outcome
                    | output -> failtestf "No attempt: %A" output)

            for (first, outcome), (second, _) in List.pairwise answers do
                if first.Attempt = second.Attempt then
                    match outcome with
                    | Outcome.Replied { Status = 417 } -> Expect.isTrue first.ExpectContinue "it had Expect"
                    | outcome -> failtestf "repeated after %A" outcome

                    Expect.isFalse (second.ExpectContinue && second.Url = first.Url) "it has none")

    law
        "a presigned URL of another object is not sent to, unless the target allows it"
        [
            "compared", fun (plan, _, turns) -> plan.Target.KeyCheck && not (puts turns).IsEmpty
            "another object, and not sent",
            fun (plan, _, turns) -> plan.Target.KeyCheck && failsAs [ FailureKind.UrlUnusable ] turns
        ]
        (fun plan turns ->
            for _, put in puts turns do
                if plan.Target.KeyCheck && RequestUrl.isPresigned put.Url then
                    let path = Uri.UnescapeDataString(RequestUrl.path put.Url)

                    Expect.isTrue (path.EndsWith(ObjectKey.value plan.Key, StringComparison.Ordinal)) path)

    law
        "no put and no wait beyond the deadline"
        [
            "it ends an attempt",
            fun (plan, _, turns) ->
                puts turns
                |> List.exists (fun (_, put) -> put.Timeout < plan.Target.Limits.RequestTimeout)
            "it ends the push after a put",
            ofTurns (fun turns -> failsAs [ FailureKind.DeadlineExceeded ] turns && not (puts turns).IsEmpty)
        ]
        (fun plan turns ->
            match deadlineOf plan turns with
            | None -> ()
            | Some deadline ->
                for turn in turns do
                    match turn.Output with
                    | Output.Put put ->
                        Expect.isTrue (turn.Now < deadline) "a put begins before it"
                        Expect.isTrue (plus put.Timeout turn.Now <= deadline) "and ends by it"
                        Expect.isTrue (put.Timeout > TimeSpan.Zero) "with some time"
                    | Output.Wait until -> Expect.isTrue (until < deadline) "a wait ends before it"
                    | Output.TakeDigests(_, until) ->
                        Expect.isTrue (turn.Now < deadline) "it is not begun too late"
                        Expect.equal until (Some deadline) "and not gone on with"
                    | _ -> ())

    law
        "no put with a URL that is past its use, and no wait beyond a given one's"
        [
            "one that passes its use after a put",
            ofTurns (fun turns ->
                puts turns
                |> List.exists (fun (begun, put) ->
                    match PresignedUrl.usableUntil (PresignedUrl.inspect put.Url) with
                    | Some last ->
                        turns
                        |> List.exists (fun turn ->
                            turn.Now > last && turn.Now >= begun.Now && not (isEnd turn.Output))
                        || failsAs [ FailureKind.UrlExpired ] turns
                    | None -> false))
        ]
        (fun plan turns ->
            for turn in turns do
                match turn.Output, plan.Url with
                | Output.Put put, _ ->
                    PresignedUrl.inspect put.Url
                    |> PresignedUrl.usableUntil
                    |> Option.iter (fun last -> Expect.isTrue (turn.Now <= last) "the URL is usable")
                | Output.Wait until, UrlSource.Given url ->
                    PresignedUrl.inspect url
                    |> PresignedUrl.usableUntil
                    |> Option.iter (fun last -> Expect.isTrue (until <= last) "the URL will be usable")
                | _ -> ())

    law
        "a terminal verdict ends the push"
        [
            "the first", fun (plan, _, turns) -> verdicts plan turns |> List.exists _.IsStop
            "a later one",
            fun (plan, _, turns) ->
                match verdicts plan turns with
                | _ :: later -> later |> List.exists _.IsStop
                | [] -> false
        ]
        (fun plan turns ->
            for before, turn, outcome in outcomesOf turns do
                match verdictOn plan before turn outcome with
                | Verdict.Stop _ -> Expect.isTrue turn.Output.IsFailed "no put, no wait, no question"
                | _ -> ())

    law
        "done only after a 2xx with the whole body that integrity accepts"
        [
            "done", ofTurns (ending >> Option.exists _.IsDone)
            "done after another attempt",
            ofTurns (fun turns -> putTwice turns && (ending turns |> Option.exists _.IsDone))
            "a 2xx that integrity does not accept",
            fun (plan, _, turns) ->
                outcomesOf turns
                |> List.exists (fun (before, turn, outcome) ->
                    let verdict = verdictOn plan before turn outcome
                    (verdict.IsAccepted || verdict.IsAcceptedIfConfirmed) && not turn.Output.IsDone)
        ]
        (fun plan turns ->
            for before, turn in List.pairwise turns do
                match turn.Output, turn.Input with
                | Output.Done _, _ when isEnd before.Output -> ()
                | Output.Done receipt, (Input.Attempted _ | Input.DigestsTaken _) ->
                    let put, reply, sent = lastSuccess turns
                    Expect.isTrue (before.Output.IsPut || before.Output.IsTakeDigests) "it was being put"
                    Expect.isTrue (reply.Status >= 200 && reply.Status < 300) "a success"
                    Expect.isNone reply.Error "without an error"
                    Expect.isFalse (reply.Body |> Option.exists _.IsError) "and without a page"

                    Expect.isTrue
                        (reply.IsMarked
                         || plan.Target.AcceptUnmarked
                         || not (RequestUrl.isPresigned put.Url))
                        "a store's, or accepted"

                    Expect.equal
                        (sent.Bytes, receipt.BytesWritten)
                        (put.Length, put.Length)
                        "all bytes, no more"

                    Expect.equal
                        (match Integrity.verdict (terms plan (Output.Put put) reply) reply sent with
                         | IntegrityVerdict.Confirmed confirmed -> confirmed.Name
                         | verdict -> $"%A{verdict}")
                        receipt.Integrity
                        "integrity has the last word"
                | Output.Done _, input -> failtestf "done after %A" input
                | _ -> ())

    law
        "the same bytes in every attempt, or the source has changed"
        [
            "two attempts that sent it all",
            ofTurns (fun turns ->
                outcomesOf turns
                |> List.filter (fun (_, _, outcome) ->
                    match outcome with
                    | Outcome.Replied { Sent = Some _ } -> true
                    | _ -> false)
                |> List.length
                >= 2)
            "changed", ofTurns (failsAs [ FailureKind.SourceChanged ])
        ]
        (fun _ turns ->
            let sents =
                outcomesOf turns
                |> List.choose (fun (before, turn, outcome) ->
                    match before.Output, outcome with
                    | Output.Put put, Outcome.Replied { Sent = Some sent } -> Some(put, turn, sent)
                    | _ -> None)

            /// The digests that were known when an attempt ended.
            let knownAt (turn: Turn) =
                turns
                |> List.takeWhile (fun other -> not (obj.ReferenceEquals(other, turn)))
                |> knownDigests

            let differs (sent: Sent) (known: Digest) =
                sent.Digest known.Algorithm |> Option.exists (fun digest -> digest <> known)

            for put, turn, sent in sents do
                let _, _, first = sents.Head

                if
                    sent.Bytes <> put.Length
                    || sent.Sha256 <> first.Sha256
                    || knownAt turn |> List.exists (differs sent)
                then
                    match turn.Output with
                    | Output.Failed failure -> Expect.equal failure.Kind FailureKind.SourceChanged "changed"
                    | output -> failtestf "changed, but %A" output)

    law
        "a digest is taken before a put once, and only where its header was asked for or is signed, or where it is bound"
        [
            "taken, and put more than once", ofTurns (fun turns -> (md5Of turns).IsSome && putTwice turns)
            "not asked for, but signed",
            fun (plan, _, turns) -> not plan.Target.ContentMd5 && (md5Of turns).IsSome
        ]
        (fun plan turns ->
            for i, (turn, isComparing) in List.indexed (comparing turns) do
                match turn.Output with
                | Output.TakeDigests(algorithms, _) when not isComparing ->
                    for algorithm in algorithms do
                        Expect.isNone (known algorithm (List.truncate (i + 1) turns)) "it is not known yet"

                    let urls =
                        match plan.Url with
                        | UrlSource.Given url -> [ url ]
                        | UrlSource.Asked -> grantsOf turns[..i] |> List.map (fun (_, _, grant) -> grant.Url)

                    let isSigned (algorithm: DigestAlgorithm) =
                        let header =
                            if algorithm.IsMd5 then "content-md5" else $"x-amz-checksum-{algorithm.Name}"

                        urls
                        |> List.exists (fun url ->
                            (PresignedUrl.inspect url).SignedHeaders |> List.contains header)

                    for algorithm in algorithms do
                        Expect.isTrue
                            (plan.Target.ContentMd5 && algorithm.IsMd5
                             || isSigned algorithm
                             || plan.Target.BindDigest && List.contains algorithm UrlRequest.bound)
                            $"{algorithm} goes along, or to the source of URLs"
                | _ -> ())

    law
        "damage is tried again once"
        [
            "damaged once", fun (plan, _, turns) -> damages plan turns = 1
            "damaged twice", fun (plan, _, turns) -> damages plan turns >= 2
        ]
        (fun plan turns ->
            let again =
                outcomesOf turns
                |> List.filter (fun (before, turn, outcome) ->
                    isDamaged plan before turn outcome && not (isEnd turn.Output))

            Expect.isTrue (again.Length <= 1) $"{again.Length} times")

    law
        "a URL is asked for only where there is a source of them, for the next attempt"
        [
            "for the first attempt",
            ofTurns (
                List.exists (fun turn ->
                    match turn.Output with
                    | Output.AskUrl(1, _) -> true
                    | _ -> false)
            )
            "for a later one",
            ofTurns (
                List.exists (fun turn ->
                    match turn.Output with
                    | Output.AskUrl(attempt, _) -> attempt > 1
                    | _ -> false)
            )
            "never: it was given", fun (plan, _, turns) -> plan.Url <> UrlSource.Asked && putTwice turns
        ]
        (fun plan turns ->
            for turn in turns do
                match turn.Output with
                | Output.AskUrl(attempt, until) ->
                    Expect.equal plan.Url UrlSource.Asked "asked"

                    Expect.equal
                        until.IsSome
                        plan.Target.Limits.Deadline.IsSome
                        "with the deadline, if there is one"

                    Expect.isTrue (until |> Option.forall (fun until -> turn.Now < until)) "and not past it"
                    let begun = puts turns |> List.filter (fun (put, _) -> put.Now <= turn.Now)

                    Expect.isTrue
                        (attempt >= 1 && attempt <= plan.Target.Retry.MaxAttempts)
                        "an attempt that is allowed"

                    Expect.isTrue (begun.Length >= attempt - 1) "after the ones before"
                | _ -> ())

    law
        "time never runs backwards in what is told"
        [
            "a clock that is put back before the end",
            ofTurns (fun turns ->
                turns
                |> List.exists (fun turn -> Play.timeOf turn.Input < turn.Now && not (isEnd turn.Output))
                || (List.pairwise turns
                    |> List.exists (fun (before, turn) ->
                        not (isEnd before.Output)
                        && isEnd turn.Output
                        && Play.timeOf turn.Input < before.Now)))
        ]
        (fun _ turns ->
            for turn in turns do
                match turn.Output with
                | Output.Failed failure -> Expect.isTrue (failure.Elapsed >= TimeSpan.Zero) "elapsed"
                | Output.Done receipt -> Expect.isTrue (receipt.CompletedAt >= receipt.StartedAt) "completed"
                | Output.Wait until when not turn.Input.IsWoke -> Expect.isTrue (until >= turn.Now) "until"
                | _ -> ())

    law
        "a failure tells its attempts, its artifact and where it went"
        [
            "a failure after several puts",
            ofTurns (fun turns -> putTwice turns && (ending turns |> Option.exists _.IsFailed))
            "a receipt after several puts",
            ofTurns (fun turns -> putTwice turns && (ending turns |> Option.exists _.IsDone))
        ]
        (fun plan turns ->
            match List.tryLast turns with
            | Some { Output = Output.Failed failure } ->
                Expect.equal failure.Attempts (attemptsOf turns).Length "attempts"
                Expect.equal failure.Destination (Destination.value plan.Destination) "destination"
                Expect.stringContains failure.Message failure.Destination "the message has it"
                Expect.stringContains failure.Message "'logs/out.txt'" "and the artifact"
            | Some { Output = Output.Done receipt } ->
                Expect.equal receipt.Attempts (attemptsOf turns).Length "attempts"
                Expect.equal receipt.Destination (Destination.value plan.Destination) "destination"

                match md5Of turns with
                | Some md5 -> Expect.equal receipt.Md5 (Some md5.Hex) "the MD5 that was taken"
                | None -> ()
            | _ -> ())

    law
        "every request is the plan's"
        [
            "with Content-MD5", ofTurns (puts >> List.exists (fun (turn, _) -> carriesMd5 turn.Output))
            "with headers of the plan's",
            fun (plan, _, turns) -> not plan.Headers.IsEmpty && not (puts turns).IsEmpty
            "written once", fun (plan, _, turns) -> plan.Target.WriteOnce && not (puts turns).IsEmpty
            "more than one", ofTurns putTwice
        ]
        (fun plan turns ->
            let granted = grantedPuts turns

            for turn, put in puts turns do
                let target = plan.Target

                let grant =
                    granted
                    |> List.tryPick (fun (other, _, grant) ->
                        if obj.ReferenceEquals(other, turn) then Some grant else None)

                let signed = (PresignedUrl.inspect put.Url).SignedHeaders

                Expect.equal
                    ([ for header in put.Headers -> header.Name, RequestHeader.reveal header ]
                     |> List.sort)
                    ([
                        if target.ContentMd5 || List.contains "content-md5" signed then
                            let md5 = Expect.wantSome (md5Of turns) "it has been taken"
                            "Content-MD5", md5.Base64
                        for name, digest in signedChecksums signed turns do
                            name, digest.Base64
                        if target.WriteOnce then
                            "If-None-Match", "*"
                        for header in plan.Headers do
                            header.Name, RequestHeader.reveal header
                        yield! grant |> Option.map (headersOfGrant plan) |> Option.defaultValue []
                     ]
                     |> List.sort)
                    "exactly the headers that were asked for, and those that came with the URL"

                let carried =
                    put.Headers
                    |> List.choose (fun header ->
                        DigestAlgorithm.all
                        |> List.tryFind (fun algorithm ->
                            header.Name.EndsWith(algorithm.Name, StringComparison.OrdinalIgnoreCase)))

                for algorithm in carried do
                    Expect.isTrue
                        (algorithm.IsSha256 || List.contains algorithm put.Digests)
                        "a digest that goes along is compared"

                let expected = if target.Integrity.IsOff then [] else [ DigestAlgorithm.Crc64Nvme ]

                Expect.all expected (fun algorithm -> List.contains algorithm put.Digests) "CRC-64/NVME"
                Expect.equal put.ConnectTimeout target.Limits.ConnectTimeout "connect timeout"
                Expect.isTrue (put.Timeout <= target.Limits.RequestTimeout) "request timeout"
                Expect.equal put.StallTimeout target.Limits.StallTimeout "stall timeout"

                let sent = [ for header in put.Headers -> header.Name.ToLowerInvariant() ]

                Expect.all
                    signed
                    (fun name -> List.contains name ("host" :: "content-length" :: sent))
                    "nothing signed is missing")

    law
        "no x-amz-* header goes to a SigV4 URL that does not cover it"
        [
            "one that it covers",
            ofTurns (fun turns ->
                puts turns
                |> List.exists (fun (_, put) ->
                    (PresignedUrl.inspect put.Url).Signature = UrlSignature.V4
                    && put.Headers
                       |> List.exists (fun header ->
                           header.Name.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase))))
            "one that it does not cover",
            fun (plan, _, turns) ->
                failsAs [ FailureKind.UrlUnusable ] turns
                && plan.Headers
                   |> List.exists (fun header ->
                       header.Name.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase))
        ]
        (fun _ turns ->
            for _, put in puts turns do
                let url = PresignedUrl.inspect put.Url

                for header in put.Headers do
                    let name = header.Name.ToLowerInvariant()

                    Expect.isTrue
                        (not (name.StartsWith "x-amz-")
                         || url.Signature <> UrlSignature.V4
                         || List.contains name url.SignedHeaders)
                        $"{name} would be answered with 403")

    law
        "no customer's key goes over a network in the clear"
        [
            "a key that is sent",
            ofTurns (fun turns ->
                puts turns
                |> List.exists (fun (_, put) ->
                    put.Headers |> List.exists (fun header -> header.Name = customerKey)))
            "a key, and a URL in the clear",
            fun (plan, urls, turns) ->
                plan.Headers |> List.exists (fun header -> header.Name = customerKey)
                && urls
                   |> List.exists (fun url ->
                       let uri = RequestUrl.revealUri url.Request
                       uri.Scheme = "http" && not uri.IsLoopback)
                && failsAs [ FailureKind.UrlUnusable ] turns
        ]
        (fun _ turns ->
            for _, put in puts turns do
                if put.Headers |> List.exists (fun header -> header.Name = customerKey) then
                    let uri = RequestUrl.revealUri put.Url
                    Expect.isTrue (uri.Scheme = "https" || uri.IsLoopback) (RequestUrl.withoutQuery put.Url))

    lawTimes
        50
        "no output and no state shows a secret, in whatever way"
        [
            "a server echoes the URL",
            (fun (_, urls, turns) -> echoes turns (fun turn -> secretsOf urls ((=) (urlNow turn))))
            "a server echoes an earlier URL", (fun (_, urls, turns) -> echoesEarlierUrl urls turns)
            "a server echoes a header", fun (plan, _, turns) -> echoes turns (fun _ -> secretsOfHeaders plan)
        ]
        (fun (plan, urls, turns) -> expectNoSecret plan urls turns)
]

let private ofScripts = [
    lawTimes
        400
        "a driver that keeps to the protocol is never told of a bug"
        [
            "several puts", fun script -> putTwice (play script)
            "a length that no file has", fun script -> script.Length < 0L
        ]
        (fun script ->
            for turn in play script do
                match turn.Output with
                | Output.Failed failure when script.Length >= 0L ->
                    Expect.notEqual failure.Kind FailureKind.Internal failure.Message
                | _ -> ())

    lawTimes
        300
        "what may have been stored is told"
        [
            "may be",
            fun script ->
                match ending (play script) with
                | Some(Output.Failed failure) -> failure.MayBeStored
                | _ -> false
            "is not, in spite of a put",
            fun script ->
                let turns = play script

                match ending turns with
                | Some(Output.Failed failure) -> not failure.MayBeStored && not (puts turns).IsEmpty
                | _ -> false
        ]
        (fun script ->
            let turns = play script

            match List.tryFind (fun turn -> isEnd turn.Output) turns with
            | Some { Output = Output.Failed failure } ->
                Expect.equal
                    failure.MayBeStored
                    (outcomesOf turns
                     |> List.exists (fun (_, _, outcome) -> Verdict.mayHaveStored outcome))
                    failure.Message
            | _ -> ())
]

let private ofSameAnswers = [
    lawTimes
        400
        "a URL that the server called expired is not sent again"
        [
            "another one is",
            fun script ->
                let turns = play script
                (urlsOf turns).Length = 2
            "there is no other", fun script -> play script |> failsAs [ FailureKind.UrlExpired ]
        ]
        (fun script ->
            let turns = play script
            let plan = script.Plan
            let mutable expired: RequestUrl list = []

            for before, turn in List.pairwise turns do
                match before.Output, turn.Input with
                | Output.Put put, Input.Attempted(_, _, outcome) when
                    verdictOn plan before turn outcome = Verdict.FreshUrl
                    ->
                    expired <- put.Url :: expired
                | _ -> ()

                match turn.Output with
                | Output.Put put -> Expect.isFalse (List.contains put.Url expired) "another one"
                | _ -> ())
]

[<Tests>]
let tests =
    testList "Push laws" [
        yield! laws "runs" runs ofRuns
        yield! laws "scripts" scripts ofScripts
        yield! laws "scripts of two URLs" sameAnswers ofSameAnswers

        propertyTimes
            200
            "fixed waits add up to the backoff between all attempts"
            (Gen.zip3 (Gen.choose (1, 6)) (Gen.choose (0, 5000)) (Gen.elements [ 500; 503; 408 ]))
            (fun (attempts, backoff, status) ->
                let plan =
                    plan (Some "https://h/p") (fun target -> {
                        target with
                            Retry = policy RetryMode.Fixed attempts backoff 20000
                    })

                let turns =
                    play {
                        Plan = plan
                        Urls = []
                        StartedAt = noon
                        Length = 3L
                        Steps =
                            List.replicate 20 {
                                Drift = TimeSpan.Zero
                                Roll = 0.7
                                Outcome = Outcome.Replied(Reply.Of status)
                                Answer = UrlAnswer.Refused ""
                                Digests = Ok Outcomes.digests
                                Early = false
                            }
                    }

                let failure = failure turns
                Expect.equal failure.Attempts attempts "all attempts"
                Expect.equal failure.Elapsed (ms (backoff * (attempts - 1))) "the waits between them")
    ]
