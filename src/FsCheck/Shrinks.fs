namespace CellOS.Export.S3.Generators

open System
open CellOS.Export.S3.Core

/// Smaller values of the same kind. Each is valid where the first one was, and no row of them is without an end.
module internal Shrinks =

    /// Halves, then one character fewer, then plainer characters: down to an `a`.
    let text (value: string) : string seq =
        let runes = [| for rune in value.EnumerateRunes() -> string rune |]
        let half = runes.Length / 2

        seq {
            if runes.Length > 1 then
                String.Concat runes[.. half - 1]
                String.Concat runes[half..]

            if runes.Length <= 64 then
                if runes.Length > 1 then
                    for i in 0 .. runes.Length - 1 do
                        String.Concat(Array.removeAt i runes)

                for i in 0 .. runes.Length - 1 do
                    if runes[i] <> "a" then
                        String.Concat(Array.updateAt i "a" runes)
        }

    /// Such texts as the type still takes. What it takes off a text must not make it the first one again.
    let checkedText (create: string -> Result<'a, Refusal>) (value: 'a -> string) (first: 'a) : 'a seq =
        text (value first)
        |> Seq.choose (create >> Result.toOption)
        |> Seq.filter (fun smaller -> value smaller <> value first)

    /// A URL with fewer segments in its path: host, query and signature stay.
    let url (value: string) : string seq =
        let stop =
            match value.IndexOf '?' with
            | -1 -> value.Length
            | i -> i

        match value.IndexOf("://", StringComparison.Ordinal) with
        | -1 -> Seq.empty
        | scheme ->
            match value.IndexOf('/', scheme + 3) with
            | -1 -> Seq.empty
            | path when path >= stop -> Seq.empty
            | path ->
                let segments = value.Substring(path + 1, stop - path - 1).Split '/'

                seq {
                    if segments.Length > 1 then
                        for i in 0 .. segments.Length - 1 do
                            value.Substring(0, path + 1)
                            + String.Join('/', Array.removeAt i segments)
                            + value.Substring stop
                }

    let requestUrl (first: RequestUrl) : RequestUrl seq =
        url (RequestUrl.reveal first)
        |> Seq.choose (RequestUrl.parse >> Result.toOption)

    let planted (first: PlantedUrl) : PlantedUrl seq =
        url first.Url |> Seq.map (fun url -> { first with Url = url })

    let retry (first: RetryPolicy) : RetryPolicy seq =
        seq {
            if first.MaxAttempts > 1 then
                first.MaxAttempts - 1, first.Backoff, first.MaxBackoff

            if first.Backoff > TimeSpan.Zero then
                first.MaxAttempts, TimeSpan.Zero, first.MaxBackoff

            if first.MaxBackoff > TimeSpan.Zero then
                first.MaxAttempts, first.Backoff, TimeSpan.Zero
        }
        |> Seq.map (fun (attempts, backoff, cap) ->
            Made.ok (RetryPolicy.create first.Mode attempts backoff cap))

    let limits (first: Limits) : Limits seq =
        seq {
            if first.Deadline.IsSome then
                { first with Deadline = None }

            if first.StallTimeout.IsSome then
                { first with StallTimeout = None }
        }

    let fault (first: Fault) : Fault seq =
        seq {
            if first.Detail <> "" then
                { first with Detail = "" }

            if first.BytesSent > 0L then
                { first with BytesSent = 0L }
        }

    /// A reply that says less: what follows from it stays the same.
    let reply (first: Reply) : Reply seq =
        seq {
            // The last mark of a store stays.
            if
                first.VersionId.IsSome
                && { first with VersionId = None }.IsMarked = first.IsMarked
            then
                { first with VersionId = None }

            if
                first.RequestId.IsSome
                && { first with RequestId = None }.IsMarked = first.IsMarked
            then
                { first with RequestId = None }

            if first.HostId.IsSome && { first with HostId = None }.IsMarked = first.IsMarked then
                { first with HostId = None }

            if first.BucketRegion.IsSome then
                { first with BucketRegion = None }

            // The last header that may report a digest stays.
            if not first.Checksums.IsEmpty && first.ETag.IsSome then
                { first with Checksums = [] }

            if first.RedirectHost.IsSome || first.RedirectTo.IsSome then
                {
                    first with
                        RedirectHost = None
                        RedirectTo = None
                }

            if first.RetryAfter.IsSome then
                { first with RetryAfter = None }

            if first.AmzRetryAfter.IsSome then
                { first with AmzRetryAfter = None }
        }

    let outcome (first: Outcome) : Outcome seq =
        match first with
        | Outcome.Replied first -> reply first |> Seq.map Outcome.Replied
        | Outcome.NotSent first -> fault first |> Seq.map Outcome.NotSent
        | Outcome.Unknown first -> fault first |> Seq.map Outcome.Unknown

    let receipt (first: Receipt) : Receipt seq =
        seq {
            if first.TargetName.IsSome then
                { first with TargetName = None }

            if first.Region.IsSome then
                { first with Region = None }

            if first.ObjectUrl.IsSome then
                { first with ObjectUrl = None }

            if first.Md5.IsSome then
                { first with Md5 = None }

            // The last header that may report a digest stays.
            if not first.Checksums.IsEmpty && first.ETag.IsSome then
                { first with Checksums = Map.empty }

            if first.ETag.IsSome then
                { first with ETag = None }

            if first.VersionId.IsSome then
                { first with VersionId = None }

            if first.RequestId.IsSome then
                { first with RequestId = None }
        }

    let report (first: FailureReport) : FailureReport seq =
        seq {
            if first.Status.IsSome then
                { first with Status = None }

            if first.Code.IsSome then
                { first with Code = None }

            for message in text first.Message do
                { first with Message = message }
        }
