namespace CellOS.Export.S3.Core

open System
open System.Buffers.Binary
open System.Globalization
open System.Security.Cryptography
open System.Text

/// One of N parts of a list of artifacts, so that N machines export a list together. Its index is 0 or more, and less than N.
type Shard = private {
    index: int
    count: int
} with

    /// The index, from 0.
    member this.Index = this.index
    /// The number of shards.
    member this.Count = this.count

    /// `I/N`, such as `2/8`.
    override this.ToString() =
        Check.invariant $"{this.index}/{this.count}"

/// Makes shards, and assigns artifacts to them.
///
/// Rules that this module keeps:
/// - the shard of an artifact depends on its name and on N alone: not on other artifacts, and not on the order;
/// - the shards of any list are disjoint, and together they are the list.
[<RequireQualifiedAccess>]
module Shard =

    /// The variable with the index of a pod in an Indexed Job (Kubernetes, "Indexed Job").
    [<Literal>]
    let IndexVariable = "JOB_COMPLETION_INDEX"

    let private remedy =
        "Give I/N, such as 2/8: N is 1 or more, and I is at least 0 and less than N."

    /// Returns the shard with this index, from 0 to `count` − 1.
    [<CompiledName("Create")>]
    let create (index: int) (count: int) : Result<Shard, Refusal> =
        if count < 1 then
            Check.refuse "shard" (Check.invariant $"is one of {count}") remedy
        elif index < 0 || index >= count then
            Check.refuse
                "shard"
                (Check.invariant $"has the index {index}, and the indices of {count} begin with 0")
                remedy
        else
            Ok { index = index; count = count }

    let private number (text: string) =
        match Int32.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture) with
        | true, number -> Some number
        | _ -> None

    let private indexOf (completionIndex: string | null) : Result<int, Refusal> =
        match completionIndex with
        | NonNull text when not (String.IsNullOrWhiteSpace text) ->
            match number text with
            | Some index -> Ok index
            | None ->
                Check.refuse
                    IndexVariable
                    $"is {Check.quoteWord text}, not a whole number from 0"
                    "Correct it, or give the shard as I/N, such as 2/8."
        | _ ->
            Check.refuse
                "shard"
                $"is given as /N, and {IndexVariable}, which has its index, is not set"
                "Run it in a Kubernetes Indexed Job, or give I/N, such as 2/8."

    /// The shard in a text: `I/N`; or `/N`, whose index is the value of `JOB_COMPLETION_INDEX`. Null where it is not set.
    [<CompiledName("Parse")>]
    let parse (completionIndex: string | null) (text: string) : Result<Shard, Refusal> =
        match text.Split '/' with
        | [| index; count |] ->
            match number index, number count with
            | Some index, Some count -> create index count
            | None, Some count when index = "" ->
                indexOf completionIndex |> Result.bind (fun index -> create index count)
            | _ -> Check.refuse "shard" $"is {Check.quoteWord text}" remedy
        | _ -> Check.refuse "shard" $"is {Check.quoteWord text}" remedy

    /// True if the artifact belongs to the shard: the unsigned big-endian number of the first 8 bytes of the SHA-256 of its
    /// name in UTF-8 is the index modulo N.
    [<CompiledName("Contains")>]
    let contains (artifact: ArtifactName) (shard: Shard) : bool =
        let digest = SHA256.HashData(Encoding.UTF8.GetBytes(ArtifactName.value artifact))

        BinaryPrimitives.ReadUInt64BigEndian(ReadOnlySpan digest) % uint64 shard.count = uint64 shard.index
