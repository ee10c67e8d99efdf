namespace CellOS.Export.S3.Core

open System
open System.Buffers

/// How much the server must confirm.
[<RequireQualifiedAccess>]
type IntegrityMode =
    /// No MD5 is taken, nothing is compared.
    | Off
    /// What the server reports must not contradict what was sent.
    | Verify
    /// The server must confirm a digest.
    | Require

/// What the server confirmed.
[<RequireQualifiedAccess>]
type Confirmation =
    /// It accepted a `Content-MD5`, which it compares with what it received.
    | ContentMd5
    /// Its ETag is the MD5 of what was sent.
    | ETagMd5
    /// Its `x-amz-checksum-sha256` is the SHA-256 of what was sent.
    | ChecksumSha256
    /// Nothing.
    | Unverified

    /// The word in the receipt.
    member this.Name =
        match this with
        | ContentMd5 -> "content-md5"
        | ETagMd5 -> "etag-md5"
        | ChecksumSha256 -> "checksum-sha256"
        | Unverified -> "unverified"

    override this.ToString() = this.Name

/// The confirmations.
[<RequireQualifiedAccess>]
module Confirmation =
    /// All of them.
    [<CompiledName("All")>]
    let all = [
        Confirmation.ContentMd5
        Confirmation.ETagMd5
        Confirmation.ChecksumSha256
        Confirmation.Unverified
    ]

/// How a reply and what was sent go together.
[<RequireQualifiedAccess>]
type IntegrityVerdict =
    /// Nothing contradicts, and so much is confirmed.
    | Confirmed of Confirmation
    /// The server reports the digest of other bytes.
    | Mismatch of Reported: string
    /// Nothing was confirmed, and the mode requires it.
    | Missing

/// Rules that this module keeps (Amazon S3 API Reference, "Object", ETag; "Checking object integrity"):
/// - an ETag of 32 hexadecimal digits is an MD5, unless the object is encrypted with SSE-KMS or SSE-C;
/// - a contradiction counts before any confirmation; of several confirmations the strongest is told.
[<RequireQualifiedAccess>]
module Integrity =

    /// The entity tag without quotes and without the mark of a weak one (RFC 9110, 8.8.3).
    let private bareTag (etag: string) : ReadOnlySpan<char> =
        let etag = etag.AsSpan().Trim()

        (if etag.StartsWith "W/" then etag.Slice 2 else etag).Trim '"'

    let private hexadecimal = SearchValues.Create "0123456789ABCDEFabcdef"

    let private isMd5Span (text: ReadOnlySpan<char>) =
        text.Length = 32 && text.IndexOfAnyExcept hexadecimal < 0

    /// Whether the text is an MD5: 32 hexadecimal digits.
    [<CompiledName("IsMd5")>]
    let isMd5 (text: string) = isMd5Span (text.AsSpan())

    /// The value of `Content-MD5` for an MD5: its octets in Base64 (RFC 1864, 2), not its digits.
    let internal contentMd5 (md5: string) =
        Convert.ToBase64String(Convert.FromHexString md5)

    let private tagIsNoMd5 (reply: Reply) =
        let isKms =
            match reply.ServerSideEncryption with
            | Some algorithm -> algorithm.StartsWith("aws:kms", StringComparison.OrdinalIgnoreCase)
            | None -> false

        isKms || reply.CustomerAlgorithm.IsSome

    /// Whether the ETag confirms (Some true) or contradicts (Some false) the MD5.
    let private tag (reply: Reply) (sent: Sent) =
        match reply.ETag, sent.Md5 with
        | Some etag, Some md5 ->
            let tag = bareTag etag

            if not (isMd5Span tag) then None
            elif tag.Equals(md5, StringComparison.OrdinalIgnoreCase) then Some true
            elif tagIsNoMd5 reply then None
            else Some false
        | _ -> None

    let private sha256OfBase64 (value: string) =
        let bytes = Array.zeroCreate<byte> 33

        match Convert.TryFromBase64String(value.Trim(), bytes) with
        | true, 32 -> Some(Convert.ToHexStringLower(bytes, 0, 32))
        | _ -> None

    /// Whether the checksum confirms (Some true) or contradicts (Some false) the SHA-256.
    let private checksum (reply: Reply) (sent: Sent) =
        reply.Checksums
        |> List.tryFind (fun checksum -> checksum.Header = "x-amz-checksum-sha256")
        |> Option.bind (fun checksum -> sha256OfBase64 checksum.Value)
        |> Option.map (fun reported ->
            String.Equals(reported, sent.Sha256, StringComparison.OrdinalIgnoreCase))

    /// The verdict on a success. `contentMd5` says whether a `Content-MD5` was sent with it.
    [<CompiledName("Verdict")>]
    let verdict (mode: IntegrityMode) (contentMd5: bool) (reply: Reply) (sent: Sent) : IntegrityVerdict =
        let otherwise () =
            // A bare success does not show that anything compared the header with what it received.
            if contentMd5 && reply.IsMarked then
                IntegrityVerdict.Confirmed Confirmation.ContentMd5
            elif mode.IsRequire then
                IntegrityVerdict.Missing
            else
                IntegrityVerdict.Confirmed Confirmation.Unverified

        if mode.IsOff then
            otherwise ()
        else
            match checksum reply sent, tag reply sent with
            | Some false, _ -> IntegrityVerdict.Mismatch "x-amz-checksum-sha256"
            | _, Some false -> IntegrityVerdict.Mismatch "ETag"
            | Some true, _ -> IntegrityVerdict.Confirmed Confirmation.ChecksumSha256
            | None, Some true when not contentMd5 -> IntegrityVerdict.Confirmed Confirmation.ETagMd5
            | None, _ -> otherwise ()
