/// What the shipped generators promise.
module CellOS.Export.S3.Core.Tests.GeneratorLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config

/// The classes that a generator reaches within so many values.
let private reached (count: int) (classOf: 'a -> string) (values: Gen<'a>) =
    Gen.sample count values |> Seq.map classOf |> Set.ofSeq

let private writeOnce = {
    Circumstances.defaults with
        WriteOnce = true
}

let private verdictOf (outcome: Outcome) =
    match Verdict.ofOutcome Circumstances.defaults outcome with
    | Verdict.Accepted _ -> "accepted"
    | Verdict.AcceptedIfConfirmed _ -> "accepted if confirmed"
    | Verdict.Retry _ -> "retry"
    | Verdict.RetryOnce -> "retry once"
    | Verdict.FreshUrl -> "fresh URL"
    | Verdict.WithoutExpect -> "without Expect"
    | Verdict.Stop _ -> "stop"

/// All that a value is made smaller to, down to where it ends, first things first.
let private shrunk (arbitrary: Arbitrary<'a>) (value: 'a) =
    let rec down steps value =
        match
            if steps = 0 then
                None
            else
                Seq.tryLast (arbitrary.Shrinker value |> Seq.truncate 50)
        with
        | None -> []
        | Some smaller -> smaller :: down (steps - 1) smaller

    List.ofSeq (arbitrary.Shrinker value |> Seq.truncate 200) @ down 300 value

/// What the type makes of a smaller value's text is that value again, and it is smaller.
let private shrinksToNames name (arbitrary: Arbitrary<'a>) (create: string -> Result<'a, Refusal>) =
    property $"a smaller {name} is one" arbitrary.Generator (fun first ->
        for smaller in shrunk arbitrary first do
            Expect.equal (create (string (box smaller))) (Ok smaller) "it is valid"
            Expect.notEqual smaller first "and another one")

let private isRefused (result: Result<'a, Refusal>) =
    match result with
    | Ok value -> failtestf "It was taken: %A" value
    | Error refusal -> Expect.isFalse (refusal.Remedy = "") "with a remedy"

let private expiryOf (url: PlantedUrl) =
    (PresignedUrl.inspect url.Request).ExpiresAt

[<Tests>]
let tests =
    testList "Generator laws" [
        property "what is hostile is no cell id and no artifact's name" Names.hostile (fun text ->
            isRefused (CellId.create text)
            isRefused (ArtifactName.create text))

        property "a generated prefix is kept as it is" Names.keyPrefix (fun prefix ->
            Expect.equal (KeyPrefix.create (KeyPrefix.value prefix)) (Ok prefix) "twice the same")

        testCase "prefixes are empty, single and many" (fun () ->
            let depth prefix =
                string ((KeyPrefix.value prefix).Split('/', StringSplitOptions.RemoveEmptyEntries).Length)

            let depths = reached 1000 depth Names.keyPrefix
            Expect.isTrue (Set.isSubset (Set.ofList [ "0"; "1"; "2"; "3" ]) depths) "all depths")

        shrinksToNames "cell id" (Arbitraries.CellId()) CellId.create
        shrinksToNames "artifact name" (Arbitraries.ArtifactName()) ArtifactName.create
        shrinksToNames "target name" (Arbitraries.TargetName()) TargetName.create
        shrinksToNames "bucket" (Arbitraries.Bucket()) Bucket.create
        shrinksToNames "key prefix" (Arbitraries.KeyPrefix()) KeyPrefix.create

        property "a name shrinks to a plain one, and no further" Names.artifactName (fun name ->
            let arbitrary = Arbitraries.ArtifactName()
            let last = List.tryLast (shrunk arbitrary name) |> Option.defaultValue name
            Expect.isTrue (Seq.isEmpty (arbitrary.Shrinker last)) "there is an end"
            Expect.equal (ArtifactName.value last) "a" "the plainest")

        property "a URL holds its secrets, and shows none of them" Urls.presigned (fun url ->
            Expect.isFalse url.Secrets.IsEmpty "there are some"

            for secret in url.Secrets do
                Expect.stringContains url.Url secret "whole"
                Expect.isFalse ((string url.Request).Contains secret) "masked")

        property "a smaller URL keeps host, query and secrets" Urls.presigned (fun first ->
            for smaller in shrunk (Arbitraries.PlantedUrl()) first do
                Expect.equal (RequestUrl.host smaller.Request) (RequestUrl.host first.Request) "host"

                Expect.equal
                    (RequestUrl.revealQuery smaller.Request)
                    (RequestUrl.revealQuery first.Request)
                    "query"

                Expect.isTrue (smaller.Url.Length < first.Url.Length) "shorter")

        property
            "a URL expires when it was meant to"
            (Gen.choose (0, 604800)
             |> Gen.bind (fun seconds ->
                 Gen.zip
                     (Gen.constant (Urls.noon.AddSeconds(float seconds)))
                     (Gen.oneof [
                         Urls.sigV4 Urls.noon seconds
                         Urls.sigV2 (Urls.noon.AddSeconds(float seconds))
                     ])))
            (fun (at, url) -> Expect.equal (expiryOf url) (Some at) url.Url)

        testCase "presigned URLs are of all kinds" (fun () ->
            let kind (url: PlantedUrl) =
                string (PresignedUrl.inspect url.Request).Signature

            Expect.isTrue
                (Set.isSubset (Set.ofList [ "V4"; "V2"; "Unsigned" ]) (reached 1000 kind Urls.presigned))
                "SigV4, SigV2, a gateway's own")

        property "a template names cell and artifact" Urls.template (fun template ->
            Expect.isTrue (UrlTemplate.namesCell template) "cell"
            Expect.isFalse (UrlTemplate.namesOneObject template) "artifact")

        testCase "every verdict follows from an outcome" (fun () ->
            Expect.equal
                (reached 20000 verdictOf (Outcomes.any 1000L []))
                (Set.ofList [
                    "accepted"
                    "accepted if confirmed"
                    "retry"
                    "retry once"
                    "fresh URL"
                    "stop"
                ])
                "all of them")

        testCase "every kind of outcome shows up" (fun () ->
            let kind (outcome: Outcome) =
                match outcome with
                | Outcome.Replied _ -> "replied"
                | Outcome.NotSent _ -> "not sent"
                | Outcome.Unknown _ -> "unknown"

            for name, values in [ "any", Outcomes.any 1000L []; "retryable", Outcomes.retryable 1000L ] do
                Expect.equal (reached 1000 kind values).Count 3 name)

        property "a success is accepted by every integrity mode" (Outcomes.success 1000L) (fun outcome ->
            match Verdict.ofOutcome writeOnce outcome with
            | Verdict.Accepted(reply, sent) ->
                for mode in [ IntegrityMode.Off; IntegrityMode.Verify; IntegrityMode.Require ] do
                    Expect.isTrue
                        (Integrity.verdict (IntegrityTerms.ofMode mode) reply sent).IsConfirmed
                        $"{mode}"
            | verdict -> failtestf "%A" verdict)

        property "what is retryable is tried again" (Outcomes.retryable 1000L) (fun outcome ->
            Expect.isTrue (Verdict.ofOutcome writeOnce outcome).IsRetry "written once"
            Expect.isTrue (Verdict.ofOutcome Circumstances.defaults outcome).IsRetry "or not")

        property "what is terminal ends the push" (Outcomes.terminal 1000L) (fun outcome ->
            Expect.isTrue (Verdict.ofOutcome writeOnce outcome).IsStop "written once"
            Expect.isTrue (Verdict.ofOutcome Circumstances.defaults outcome).IsStop "or not")

        property "the same follows from a smaller outcome" (Outcomes.any 1000L []) (fun first ->
            for smaller in shrunk (Arbitraries.Outcome()) first do
                Expect.equal (verdictOf smaller) (verdictOf first) "the verdict")

        property "a smaller schedule is a schedule" Plans.retry (fun first ->
            for smaller in shrunk (Arbitraries.RetryPolicy()) first do
                Expect.isTrue (smaller.MaxAttempts >= 1) "an attempt is left"
                Expect.equal smaller.Mode first.Mode "in the same mode")

        property "limits are in their range" Plans.limits (fun limits ->
            Expect.equal (Limits.check limits) (Ok limits) "as they are")

        property "a smaller script is for the same plan" Scripts.any (fun first ->
            for smaller in (Arbitraries.Script()).Shrinker first |> Seq.truncate 30 do
                Expect.isTrue (obj.ReferenceEquals(smaller.Plan, first.Plan)) "the plan"
                Expect.isTrue (smaller.Steps.Length <= first.Steps.Length) "no more steps"
                Expect.isTrue (Play.ending (Play.steadily smaller)).IsSome "and it comes to its end")

        propertyTimes 400 "a steady script comes to its end" Scripts.any (fun script ->
            let turns = Play.steadily script
            Expect.isTrue (Play.ending turns).IsSome "a receipt or a failure"

            match Play.ending turns with
            | Some(Error failure) -> Expect.notEqual failure.Kind FailureKind.Internal failure.Message
            | _ -> ()

            for before, turn in List.pairwise turns do
                Expect.isTrue (Play.timeOf turn.Input >= before.Now) "time goes on"

                match before.Output with
                | Output.Put put ->
                    Expect.isTrue (turn.Now - before.Now <= put.Timeout) "an attempt ends in time"
                | Output.Wait until -> Expect.equal turn.Now until "a wait ends when it should"
                | _ -> ())

        propertyTimes 400 "no steady push outlasts its deadline" Scripts.any (fun script ->
            match script.Plan.Target.Limits.Deadline with
            | Some deadline ->
                Expect.isTrue (Play.lasted (Play.steadily script) <= deadline) "it ends in time"
            | None -> ())

        testCase "pushes end in both ways" (fun () ->
            let ending script =
                match Play.ending (Play.steadily script) with
                | Some(Ok _) -> "receipt"
                | Some(Error _) -> "failure"
                | None -> "none"

            Expect.equal
                (reached 1000 ending Scripts.any)
                (Set.ofList [ "receipt"; "failure" ])
                "a receipt, a failure")

        property "waits are told once" Scripts.any (fun script ->
            let turns = Play.script script

            let delays = turns |> List.filter _.Input.IsUrlDelayed |> List.length

            Expect.isTrue
                ((Play.waits turns).Length <= (Play.puts turns).Length + delays)
                "one after a put or a delay at most"

            for wait in Play.waits turns do
                Expect.isTrue (wait >= TimeSpan.Zero) "none goes back")

        testCase "a push is told in words, a line for each turn" (fun () ->
            let plan = PushGenerators.plan (Some "https://h.example/x") id
            let seconds (n: int) = TimeSpan.FromSeconds(float n)

            let step drift outcome = {
                Drift = seconds drift
                Roll = 0.
                Outcome = outcome
                Answer = UrlAnswer.Refused "none"
                Digests = Error(Fault.Create(FaultKind.SourceUnreadable, "no", 0L))
                Early = false
            }

            let script = {
                Plan = plan
                Urls = []
                StartedAt = Urls.noon
                Length = 7L
                Steps = [
                    step
                        1
                        (Outcome.Replied {
                            Reply.Of 503 with
                                Error = Some(S3Error.Of "SlowDown")
                                RetryAfter = Some "2"
                        })
                    step 1 (Outcome.Unknown(Fault.Create(FaultKind.ConnectionReset, "reset", 7L)))
                    step
                        2
                        (Outcome.Replied {
                            Reply.Of 200 with
                                Sent = Some(Outcomes.whole 7L)
                        })
                ]
            }

            Expect.equal
                (Play.describe (Play.steadily script))
                (String.concat "\n" [
                    "t+0.000 s: the source has 7 bytes → put 1"
                    "t+1.000 s: HTTP 503 SlowDown, Retry-After: 2, before the whole body → wait 2 s"
                    "t+3.000 s: woke → put 2"
                    "t+4.000 s: ConnectionReset, may have arrived → wait 0.5 s"
                    "t+4.500 s: woke → put 3"
                    "t+6.500 s: HTTP 200 → done, unverified"
                ])
                "what came of it"

            for text in [ $"%A{script}"; string script ] do
                Expect.stringStarts
                    text
                    "a push of 7 bytes, 3 attempts at most\n  1. +1 s: HTTP 503 SlowDown"
                    text

                Expect.stringEnds text "\n  3. +2 s: HTTP 200" "its steps")

        property "a receipt can be read back" Results.receipt (fun receipt ->
            for receipt in receipt :: shrunk (Arbitraries.Receipt()) receipt do
                match Receipt.parse (Receipt.toJson receipt) with
                | Ok read -> Expect.equal read.ArtifactName receipt.ArtifactName "the name"
                | Error refusal -> failtestf "%O" refusal)

        testCase "a receipt's times are to the tick, within 90 days" (fun () ->
            let since (at: DateTimeOffset) = at - Urls.noon

            let times =
                Gen.sample 500 Results.receipt
                |> Seq.map (fun it -> since it.StartedAt)
                |> List.ofSeq

            Expect.isTrue (times |> List.exists (fun it -> it.TotalDays > 10.)) "not all are near"
            Expect.isTrue (times |> List.exists (fun it -> it.Ticks % 1000L <> 0L)) "a part of a millisecond"

            for time in times do
                Expect.isTrue (time >= TimeSpan.Zero && time.TotalDays < 90.) "within 90 days")

        property "a failure has a report" Results.failure (fun failure ->
            Expect.stringContains (FailureReport.toJson (FailureReport.ofFailure failure)) "\"error\"" "JSON")

        testCase "a property takes what is registered" (fun () ->
            let config =
                Config.QuickThrowOnFailure.WithQuietOnSuccess(true).WithArbitrary [ typeof<Arbitraries> ]

            Check.One(
                config,
                fun (cellId: CellId) (name: ArtifactName) (HostileName hostile) (outcome: Outcome) ->
                    CellId.create (CellId.value cellId) = Ok cellId
                    && ArtifactName.create (ArtifactName.value name) = Ok name
                    && (ArtifactName.create hostile).IsError
                    && verdictOf outcome <> ""
            ))
    ]
