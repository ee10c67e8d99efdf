namespace CellOS.Export.S3.Generators

open System
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core

/// The response of a source of URLs to `AskUrl`.
[<RequireQualifiedAccess>]
type UrlAnswer =
    /// A URL alone, as a manifest gives it.
    | Given of Url: RequestUrl
    /// A URL with headers and an expiry, as a broker or a command gives it.
    | Granted of Grant: UrlGrant
    /// No URL yet: why, and how long the source asks to wait.
    | Later of Reason: string * After: TimeSpan
    /// No URL: why.
    | Refused of Reason: string

/// What becomes of one output of the push machine, whichever it is.
type Step = {
    /// How far the clock moves meanwhile; backwards too.
    Drift: TimeSpan
    /// Chance, for the wait after an attempt or a question: 0 or more and less than 1; others are generated, too.
    Roll: float
    /// The outcome of a `Put`.
    Outcome: Outcome
    /// The answer to `AskUrl`.
    Answer: UrlAnswer
    /// The answer to `TakeDigests`: digests of all algorithms, of which those that were asked for count, or what is wrong
    /// with the source.
    Digests: Result<Digest list, Fault>
    /// True if a wait, a question or the taking of digests is interrupted.
    Early: bool
}

/// A push from its beginning on: `Play` tells what the machine makes of it. It shows itself as its steps, one a line;
/// `Play.describe` tells the same with its outcome.
[<StructuredFormatDisplay("{AsText}")>]
type Script = {
    /// The push that is played.
    Plan: PushPlan
    /// The URLs that the plan or an answer may hold.
    Urls: PlantedUrl list
    /// When it begins.
    StartedAt: DateTimeOffset
    /// How many bytes the source has.
    Length: int64
    /// What happens, one for each output of the machine.
    Steps: Step list
} with

    /// The push in words: its length, and what each step has in store.
    member this.AsText =
        let steps =
            this.Steps
            |> List.mapi (fun index step ->
                let early = if step.Early then ", early" else ""
                let drift = Made.number "+0.###;-0.###;0" step.Drift.TotalSeconds
                $"\n  {index + 1}. {drift} s{early}: {Outcomes.inWords step.Outcome}")
            |> String.concat ""

        $"a push of {this.Length} bytes, {this.Plan.Target.Retry.MaxAttempts} attempts at most{steps}"

    override this.ToString() = this.AsText

/// Scripts of a driver that keeps to the protocol, however its clock, its server and its URLs behave.
[<RequireQualifiedAccess>]
module Scripts =

    let private drift =
        Gen.frequency [
            24, Gen.choose (0, 300)
            12, Gen.choose (0, 3000)
            4, Gen.choose (-5000, 0)
            1, Gen.constant 900000
            1, Gen.elements [ -86400000; 86400000; 3600000; 900000 ]
        ]
        |> Gen.map (fun milliseconds -> TimeSpan.FromMilliseconds(float milliseconds))

    /// Chance: from 0 to just under 1, and numbers that are not in this range.
    let roll: Gen<float> =
        Gen.elements [ 0.; 0.5; Math.BitDecrement 1.; 1.; -1.; nan; infinity ]

    let private digests (secrets: string list) =
        Gen.frequency [
            12, Gen.constant (Ok Outcomes.digests)
            1, Gen.constant (Ok Outcomes.otherDigests)
            1, Outcomes.fault (Gen.constant None) secrets |> Gen.map Error
        ]

    /// All that a server or a proxy may echo of a plan and its URLs.
    let private echoed (plan: PushPlan) (urls: PlantedUrl list) =
        Plans.secretsOf plan @ (urls |> List.collect _.Echoes)

    let private stepTo
        (outcome: string list -> Gen<Outcome>)
        (answer: string -> Gen<UrlAnswer>)
        (secrets: string list)
        : Gen<Step> =
        gen {
            let! drift = drift
            let! roll = roll
            let! outcome = outcome secrets
            let! reason = Outcomes.text secrets
            let! early = Gen.elements [ true; true; false; false; false ]
            let! digests = digests secrets
            let! answer = answer reason

            return {
                Drift = drift
                Roll = roll
                Outcome = outcome
                Answer = answer
                Digests = digests
                Early = early
            }
        }

    let private oneOf (urls: PlantedUrl list) (reason: string) : Gen<UrlAnswer> =
        Gen.frequency [
            if not urls.IsEmpty then
                14, Gen.elements urls |> Gen.map (fun url -> UrlAnswer.Given url.Request)
            1, Gen.constant (UrlAnswer.Refused reason)
        ]

    /// What a broker asks to wait: mostly nothing or seconds, now and then more than any policy allows.
    let private wish =
        Gen.frequency [
            4, Gen.constant 0
            6, Gen.choose (1, 8)
            2, Gen.elements [ 60; 3600 ]
            1, Gen.elements [ -5; Int32.MaxValue ]
        ]
        |> Gen.map (fun seconds -> TimeSpan.FromSeconds(float seconds))

    /// One step of a push of this number of bytes. A question for a URL is mostly answered with one of the given ones, and
    /// never, where there are none.
    let step (length: int64) (plan: PushPlan) (urls: PlantedUrl list) : Gen<Step> =
        stepTo (Outcomes.any length) (oneOf urls) (echoed plan urls)

    /// The outcomes of most attempts of a push: one after the other of one kind is a case that single steps rarely make.
    let private mostly (length: int64) : Gen<string list -> Gen<Outcome>> =
        let mixed kind others ends secrets =
            Gen.frequency [
                8, kind length secrets
                others, Outcomes.any length secrets
                3, Gen.constant (Outcome.Replied(Reply.Of 417))
                ends, Outcomes.success length
                ends, Outcomes.terminal length
            ]

        Gen.frequency [
            1, Gen.constant (Outcomes.any length)
            12, Gen.constant (mixed Outcomes.damaged 1 2)
            14, Gen.constant (mixed Outcomes.expired 1 2)
            8, Gen.constant (mixed (fun length _ -> Outcomes.retryable length) 2 4)
        ]

    /// A script for a plan, whose source of URLs answers as given.
    let private answered
        (urls: PlantedUrl list)
        (secrets: string list)
        (answer: string -> Gen<UrlAnswer>)
        (plan: PushPlan)
        : Gen<Script> =
        gen {
            let largest = min plan.Target.MaxObjectBytes 1000L

            let! length =
                Gen.frequency [
                    19, Gen.elements [ 0L; min 1L largest; largest ]
                    1, Gen.constant (largest + 1L)
                ]

            let! start = Gen.choose (-1200, 1200)
            let count = max 16 (4 * min 50 plan.Target.Retry.MaxAttempts)
            let! outcome = mostly length
            let! steps = Gen.listOfLength count (stepTo outcome answer secrets)

            return {
                Plan = plan
                Urls = urls
                StartedAt = Urls.noon.AddSeconds(float start)
                Length = length
                Steps = steps
            }
        }

    /// Scripts for a plan of your own: its settings are what a law is about, all else is generated. `urls` answer the
    /// questions for one, and servers echo the secrets of all of them, whether they were given or not; for a plan that
    /// has its URL, it is that one, or none. The source is empty, small, or as large as the plan allows, 1,000 bytes at
    /// most, and now and then one byte larger than that. There are steps enough for 50 attempts.
    let forPlan (urls: PlantedUrl list) (plan: PushPlan) : Gen<Script> =
        answered urls (echoed plan urls) (oneOf urls) plan

    /// Scripts for a plan of your own whose URLs come from a broker or a command. Its responses are the given grants, in any
    /// order and more than once, and refusals; some brokers are often busy. Servers echo the secrets of all grants.
    let forGrants (grants: PlantedGrant list) (plan: PushPlan) : Gen<Script> =
        let urls = grants |> List.map _.Planted

        let secrets =
            echoed plan urls
            @ (grants |> List.collect (fun planted -> Grants.secretsOf planted.Grant))

        gen {
            let! busy =
                Gen.frequency [ 5, Gen.constant 0; 3, Gen.constant 8; 2, Gen.constant 60 ]

            let answer reason =
                Gen.frequency [
                    if not grants.IsEmpty then
                        14, Gen.elements grants |> Gen.map (fun planted -> UrlAnswer.Granted planted.Grant)
                    busy, wish |> Gen.map (fun after -> UrlAnswer.Later(reason, after))
                    1, Gen.constant (UrlAnswer.Refused reason)
                ]

            return! answered urls secrets answer plan
        }

    /// A URL that serves a plan with these headers: signed with SigV4 at `Urls.noon`, for a short time or a long one. It
    /// covers what has to be covered, and now and then `Content-MD5` and a checksum.
    let private serving (key: string) (headers: RequestHeader list) : Gen<PlantedUrl> =
        gen {
            let! seconds = Gen.elements [ 60; 900; 86400; 86400; 86400 ]
            let! signsMd5 = Gen.elements [ true; false; false ]

            let! signedChecksums =
                Gen.frequency [
                    5, Gen.constant []
                    1, Gen.elements [ [ "x-amz-checksum-sha256" ]; [ "x-amz-checksum-crc64nvme" ] ]
                ]

            let names =
                [
                    "host"
                    if signsMd5 then
                        "content-md5"
                    yield! signedChecksums
                    for header in headers do
                        if header.Name.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase) then
                            header.Name.ToLowerInvariant()
                ]
                |> List.sort

            return! Urls.sigV4ForObject key (String.Join(';', names)) Urls.noon seconds
        }

    /// Scripts for one artifact of a cell, with any settings and any URLs. Most URLs serve the plan, at least in the
    /// beginning.
    let forArtifact (cellId: CellId) (artifact: ArtifactName) : Gen<Script> =
        gen {
            let! make = Plans.draft cellId artifact

            let url =
                Gen.frequency [
                    30, serving (Plans.keyOf cellId artifact) (make None).Headers
                    1, Urls.presigned
                ]

            let! asked = Gen.elements [ true; true; false ]
            let! urls = Gen.listOfLength (if asked then 4 else 1) url
            return! forPlan urls (make (if asked then None else Some urls.Head))
        }

    /// Scripts for one artifact of a cell, with any settings and with URLs from a broker, which signs the digests of the
    /// content for some. Most grants serve the plan, at least in the beginning.
    let fromBroker (cellId: CellId) (artifact: ArtifactName) : Gen<Script> =
        gen {
            let! make = Plans.draft cellId artifact
            let! bindsDigest = Gen.elements [ true; false ]
            let plan = make None

            let plan = {
                plan with
                    Target = {
                        plan.Target with
                            BindDigest = bindsDigest
                    }
            }

            let! count = Gen.choose (1, 3)
            let! grants = Gen.listOfLength count (Grants.forPlan plan)
            return! forGrants grants plan
        }

    /// Any script for any artifact, one in four with a broker.
    let any: Gen<Script> =
        Plans.names
        |> Gen.bind (fun names -> Gen.frequency [ 3, names ||> forArtifact; 1, names ||> fromBroker ])

    let private smallerStep (first: Step) : Step seq =
        seq {
            if first.Early then
                { first with Early = false }

            if first.Drift <> TimeSpan.Zero then
                { first with Drift = TimeSpan.Zero }

            // Not by `<>`: a roll may be no number.
            if not (first.Roll.Equals 0.) then
                { first with Roll = 0. }

            for smaller in Shrinks.outcome first.Outcome do
                { first with Outcome = smaller }
        }

    /// Smaller scripts, for `Arb.fromGenShrink`: fewer steps, or plainer ones; the plan stays.
    let shrink (first: Script) : Script seq =
        seq {
            if not first.Steps.IsEmpty then
                {
                    first with
                        Steps = List.truncate (first.Steps.Length / 2) first.Steps
                }

            for i in 0 .. first.Steps.Length - 1 do
                {
                    first with
                        Steps = List.removeAt i first.Steps
                }

            for i, item in List.indexed first.Steps do
                for smaller in smallerStep item do
                    {
                        first with
                            Steps = List.updateAt i smaller first.Steps
                    }
        }
