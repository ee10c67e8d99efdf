namespace CellOS.Export.S3.Core

open System

/// Decides which digests of a file are taken, and when.
///
/// Rules that this module keeps:
/// - SHA-256 is always taken, by every pass that sends;
/// - a digest that a header must carry, or that the URL's query fixes, is taken before anything is sent, all of them in one
///   pass;
/// - CRC-64/NVME is taken unless integrity is off; MD5 is taken beside it until the host confirms by CRC-64/NVME, and again
///   once it does not (Amazon S3, Cloudflare R2 and others report a CRC-64/NVME for every upload);
/// - what the host reported last is taken as well.
[<RequireQualifiedAccess>]
module DigestPolicy =

    /// The header that names the algorithm of the checksum beside it (Amazon S3 API Reference, "PutObject").
    [<Literal>]
    let internal SdkAlgorithm = "x-amz-sdk-checksum-algorithm"

    let private isGiven (headers: RequestHeader list) (name: string) =
        headers |> List.exists (fun header -> RequestHeader.key header = name)

    /// The digests that the signature covers a header of, and that the caller did not give, in the order of the algorithms.
    let private signed (headers: RequestHeader list) (signedHeaders: string list) =
        signedHeaders
        |> List.filter (isGiven headers >> not)
        |> List.choose DigestAlgorithm.ofRequestHeader
        |> List.distinct
        |> List.sort

    /// The algorithms of the digests that go along as headers: those that the signature covers, and MD5 where it was asked
    /// for (`contentMd5`).
    let internal sentAsHeaders (contentMd5: bool) (headers: RequestHeader list) (query: SignedQuery) =
        let signed = signed headers query.SignedHeaders

        if contentMd5 && not (List.contains DigestAlgorithm.Md5 signed) then
            DigestAlgorithm.Md5 :: signed
        else
            signed

    /// The checksums that the URL's query fixes, other than those of an empty file: SDKs add those to every URL, and some
    /// stores ignore them.
    let internal fixedByQuery (query: SignedQuery) =
        query.Checksums |> List.filter (snd >> Digest.isOfNothing >> not)

    /// The algorithms of the digests that must be known before anything is sent.
    let internal neededFirst (contentMd5: bool) (headers: RequestHeader list) (query: SignedQuery) =
        sentAsHeaders contentMd5 headers query
        @ (fixedByQuery query |> List.map (snd >> _.Algorithm))
        |> List.distinct

    /// The headers that carry these digests. Where the signature covers the name of the algorithm as well, it goes along.
    let internal headers (algorithms: DigestAlgorithm list) (digests: Digest list) (query: SignedQuery) =
        let carrying = [
            for algorithm in algorithms do
                match
                    DigestAlgorithm.requestHeader algorithm,
                    digests |> List.tryFind (fun digest -> digest.Algorithm = algorithm)
                with
                | Some name, Some digest -> RequestHeader.trust name digest.Base64
                | _ -> ()
        ]

        match algorithms |> List.filter (fun algorithm -> not algorithm.IsMd5) with
        | [ algorithm ] when SignedQuery.signs SdkAlgorithm query ->
            carrying
            @ [ RequestHeader.trust SdkAlgorithm (algorithm.Name.ToUpperInvariant()) ]
        | _ -> carrying

    /// True if the sink supplies the header of this name (in lower case) to a URL whose signature covers these headers.
    let internal supplies (headers: RequestHeader list) (signedHeaders: string list) (name: string) =
        (DigestAlgorithm.ofRequestHeader name).IsSome
        || name = SdkAlgorithm
           && (signed headers signedHeaders
               |> List.filter (fun algorithm -> not algorithm.IsMd5))
               .Length
               =
               1

    /// Returns the algorithms of the digests that the pass takes that sends, besides SHA-256, in the order of the
    /// algorithms. `reported` is what the host reported last, if it has responded; `known` are those that were taken
    /// before, and are compared.
    [<CompiledName("Sending")>]
    let sending
        (mode: IntegrityMode)
        (reported: Set<DigestAlgorithm> option)
        (known: DigestAlgorithm list)
        : DigestAlgorithm list =
        let reported = reported |> Option.defaultValue Set.empty
        let confirmsByCrc = reported.Contains DigestAlgorithm.Crc64Nvme

        let compared =
            if mode.IsOff then
                Set.empty
            else
                reported
                |> Set.add DigestAlgorithm.Crc64Nvme
                |> if confirmsByCrc then
                       Set.remove DigestAlgorithm.Md5
                   else
                       Set.add DigestAlgorithm.Md5

        Set.ofList known
        |> Set.union compared
        |> Set.remove DigestAlgorithm.Sha256
        |> Set.toList
