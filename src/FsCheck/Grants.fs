namespace CellOS.Export.S3.Generators

open System
open System.Collections.Generic
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core

/// A URL that a broker or a command gives, with what goes along, and the secrets in it. All of it is made up.
type PlantedGrant = {
    /// The URL and its secrets.
    Planted: PlantedUrl
    /// The grant as the machine takes it.
    Grant: UrlGrant
}

/// Grants of brokers and commands: those that serve, and those that no upload may follow.
[<RequireQualifiedAccess>]
module Grants =

    /// A header that a broker gives, whose value is a secret.
    [<Literal>]
    let BrokerHeader = "X-Broker-Token"

    /// The secret values of the headers of a grant.
    let secretsOf (grant: UrlGrant) : string list =
        grant.Headers
        |> List.filter (fun header -> header.Key = BrokerHeader)
        |> List.map _.Value

    let private checksum (algorithm: DigestAlgorithm) (digests: Digest list) =
        let digest = digests |> List.find (fun digest -> digest.Algorithm = algorithm)

        if algorithm.IsMd5 then
            "Content-MD5", digest.Base64
        else
            $"x-amz-checksum-{algorithm.Name}", digest.Base64

    /// Headers that a broker signs and gives, for an upload with these headers.
    let private given (headers: RequestHeader list) : Gen<(string * string) list> =
        let carried = [ for header in headers -> header.Name, RequestHeader.reveal header ]

        let bound algorithms =
            algorithms |> List.map (fun algorithm -> checksum algorithm Outcomes.digests)

        gen {
            let! token = Texts.secret

            return!
                Gen.frequency [
                    4, Gen.constant []
                    2, Gen.constant carried
                    5, Gen.constant (bound [ DigestAlgorithm.Sha256 ])
                    2, Gen.constant (bound [ DigestAlgorithm.Sha256; DigestAlgorithm.Md5 ])
                    4, Gen.constant [ "x-amz-meta-broker", "7" ]
                    4, Gen.constant [ BrokerHeader, token ]
                    1, Gen.constant [ "Content-Type", "text/plain" ]
                ]
        }

    /// Headers with which no upload may be made: the digest of other content, another value than the upload's own, and one
    /// that no presigner may give.
    let private wrong (headers: RequestHeader list) : Gen<(string * string) list> =
        let ofOtherContent =
            [ DigestAlgorithm.Sha256; DigestAlgorithm.Crc64Nvme ]
            |> List.map (fun algorithm -> [ checksum algorithm Outcomes.otherDigests ])

        let ofOtherValue =
            headers |> List.map (fun header -> [ header.Name, "of-the-broker" ])

        ofOtherContent
        @ ofOtherValue
        @ [ [ "Content-Length", "1001" ]; [ "Authorization", "of-the-broker" ] ]
        |> Gen.elements

    let private signedFor (key: string) names (signedAt: DateTimeOffset) (seconds: int) =
        let signed =
            "host" :: "content-length" :: names
            |> List.map (fun (name: string) -> name.ToLowerInvariant())
            |> List.distinct
            |> List.sort

        Urls.sigV4ForObject key (String.Join(';', signed)) signedAt seconds

    let private serving =
        Gen.elements [ 60; 900; 86400; 86400; 86400 ]
        |> Gen.map (fun seconds -> Urls.noon, seconds)

    /// Ends of validity, around `Urls.noon`: one that has not been reached, mostly, and one that is.
    let private ends =
        Gen.frequency [
            6, Gen.constant None
            5, Gen.elements [ 60; 900; 86400 ] |> Gen.map Some
            1, Gen.constant (Some -7200)
        ]
        |> Gen.map (Option.map (fun (seconds: int) -> Urls.noon.AddSeconds(float seconds)))

    /// Grants for a plan whose URL is asked for. Most serve it, at least in the beginning: they are signed at `Urls.noon` and
    /// cover what has to be covered. The others are for another object, or have expired, or come with headers that are not
    /// signed or do not fit.
    let forPlan (plan: PushPlan) : Gen<PlantedGrant> =
        let own = PushPlan.ownHeaders plan
        let key = ObjectKey.value plan.Key

        let amz =
            [ for header in plan.Headers -> header.Name ]
            |> List.filter (fun name -> name.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase))

        let grant key headers isSigned times =
            gen {
                let! headers = headers own
                let! signedAt, seconds = times
                let names = if isSigned then List.map fst headers else []
                let! url = signedFor key (amz @ names) signedAt seconds
                let! expiresAt = ends

                return {
                    Planted = url
                    Grant = {
                        Url = url.Request
                        Headers = [ for name, value in headers -> KeyValuePair(name, value) ]
                        ExpiresAt = expiresAt
                    }
                }
            }

        let unsigned _ =
            Gen.constant [ "x-amz-meta-broker", "7" ]

        Gen.frequency [
            22, grant key given true serving
            2, grant $"{key}.other" given true serving
            1, grant key given true (Gen.constant (Urls.noon.AddHours -2., 900))
            1, grant key unsigned false serving
            2, grant key wrong true serving
        ]
