/// Checks files of seals, for several test programs.
module SealChecks

open System
open System.Security.Cryptography
open CellOS.Export.S3.Core

/// The id of a key.
let idOf (key: ECDsa) =
    Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()))

/// The keys that count.
let keysOf (keys: ECDsa list) : SealKeys = {
    Ids = Some(keys |> List.map idOf |> Set.ofList)
    IsSigned =
        Func<_, _, _, _>(fun id bytes signature ->
            keys
            |> List.exists (fun key ->
                idOf key = id
                && key.VerifyData(
                    bytes.Span,
                    signature.Span,
                    HashAlgorithmName.SHA256,
                    DSASignatureFormat.Rfc3279DerSequence
                )))
}

/// The lines of a file with their worth, and how far it was read.
let check (keys: SealKeys) (file: byte[]) : CheckedSeal list * SealScan =
    let rec from scan (rest: ReadOnlyMemory<byte>) found =
        match rest.Span.IndexOf(byte '\n') with
        | -1 -> List.rev found @ Option.toList (SealChain.finish scan rest), scan
        | stop ->
            let struct (scan, line) = SealChain.step keys scan (rest.Slice(0, stop))
            from scan (rest.Slice(stop + 1)) (line :: found)

    from SealChain.start (ReadOnlyMemory file) []

/// What became of a head that was noted elsewhere.
let anchor (head: SealHead) (file: byte[]) : AnchorStatus =
    let rec from anchors count (rest: ReadOnlyMemory<byte>) =
        match rest.Span.IndexOf(byte '\n') with
        | -1 -> (List.exactlyOne anchors: SealAnchor).Status
        | stop ->
            let line: SealHead = {
                Count = count + 1L
                Sha256 = Convert.ToHexStringLower(SHA256.HashData(rest.Slice(0, stop).Span))
            }

            from (SealAnchors.step anchors line) line.Count (rest.Slice(stop + 1))

    from (SealAnchors.start [ head ]) 0L (ReadOnlyMemory file)
