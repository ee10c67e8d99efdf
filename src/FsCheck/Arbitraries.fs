namespace CellOS.Export.S3.Generators

open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core

/// A text that is neither a cell id nor the name of an artifact: see `Names.hostile`. It may be null.
type HostileName =
    /// Any text will do, but only a hostile one is generated.
    | HostileName of string

    /// The text.
    member this.Value =
        let (HostileName value) = this
        value

/// What FsCheck makes values of the core's types with, and how it makes them smaller, in a property that takes such
/// values as its arguments:
///
///     Check.One(Config.QuickThrowOnFailure.WithArbitrary [ typeof<Arbitraries> ], fun (name: ArtifactName) -> …)
///
/// A smaller value is still valid; of an outcome, what follows from it stays the same.
[<AbstractClass; Sealed>]
type Arbitraries =

    /// Cell ids, however odd.
    static member CellId() : Arbitrary<CellId> =
        Arb.fromGenShrink (Names.cellId, Shrinks.checkedText CellId.create CellId.value)

    /// Names of artifacts.
    static member ArtifactName() : Arbitrary<ArtifactName> =
        Arb.fromGenShrink (Names.artifactName, Shrinks.checkedText ArtifactName.create ArtifactName.value)

    /// Names of targets.
    static member TargetName() : Arbitrary<TargetName> =
        Arb.fromGenShrink (Names.targetName, Shrinks.checkedText TargetName.create TargetName.value)

    /// Names of buckets.
    static member Bucket() : Arbitrary<Bucket> =
        Arb.fromGenShrink (Names.bucket, Shrinks.checkedText Bucket.create Bucket.value)

    /// Key prefixes, none among them.
    static member KeyPrefix() : Arbitrary<KeyPrefix> =
        Arb.fromGenShrink (Names.keyPrefix, Shrinks.checkedText KeyPrefix.create KeyPrefix.value)

    /// What is no name. It is made no smaller.
    static member HostileName() : Arbitrary<HostileName> =
        Arb.fromGen (Names.hostile |> Gen.map HostileName)

    /// URLs, presigned ones and plain ones; a smaller one has a shorter path.
    static member RequestUrl() : Arbitrary<RequestUrl> =
        Arb.fromGenShrink (Urls.request, Shrinks.requestUrl)

    /// Presigned URLs and the secrets in them; a smaller one has a shorter path.
    static member PlantedUrl() : Arbitrary<PlantedUrl> =
        Arb.fromGenShrink (Urls.presigned, Shrinks.planted)

    /// Templates with both placeholders.
    static member UrlTemplate() : Arbitrary<UrlTemplate> = Arb.fromGen Urls.template

    /// Schedules of up to five attempts.
    static member RetryPolicy() : Arbitrary<RetryPolicy> =
        Arb.fromGenShrink (Plans.retry, Shrinks.retry)

    /// Limits in time.
    static member Limits() : Arbitrary<Limits> =
        Arb.fromGenShrink (Plans.limits, Shrinks.limits)

    /// Plans for an artifact of up to 1,000 bytes.
    static member PushPlan() : Arbitrary<PushPlan> = Arb.fromGen Plans.any

    /// Faults of an attempt.
    static member Fault() : Arbitrary<Fault> =
        Arb.fromGenShrink (Outcomes.fault (Gen.constant None) [], Shrinks.fault)

    /// Replies to a request with a body of 1,000 bytes.
    static member Reply() : Arbitrary<Reply> =
        Arb.fromGenShrink (Outcomes.reply 1000L [], Shrinks.reply)

    /// The outcome of an attempt to send 1,000 bytes.
    static member Outcome() : Arbitrary<Outcome> =
        Arb.fromGenShrink (Outcomes.any 1000L [], Shrinks.outcome)

    /// Whole pushes; a smaller one has fewer steps, or plainer ones.
    static member Script() : Arbitrary<Script> =
        Arb.fromGenShrink (Scripts.any, Scripts.shrink)

    /// Receipts.
    static member Receipt() : Arbitrary<Receipt> =
        Arb.fromGenShrink (Results.receipt, Shrinks.receipt)

    /// Failures that the machine came to.
    static member ExportFailure() : Arbitrary<ExportFailure> = Arb.fromGen Results.failure

    /// What is reported of failures.
    static member FailureReport() : Arbitrary<FailureReport> =
        Arb.fromGenShrink (Results.report, Shrinks.report)
