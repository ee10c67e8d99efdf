/// URLs and logical addresses, compared; expiry as each scheme states it.
module CellOS.Export.S3.Core.Tests.AddressTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.Stories

let private ok (result: Result<'a, Refusal>) =
    match result with
    | Ok value -> value
    | Error refusal -> failtestf "%O" refusal

let private keyOf prefix cell name =
    ok (
        ObjectKey.create
            (ok (KeyPrefix.create prefix))
            (ok (CellId.create cell))
            (ok (ArtifactName.create name))
    )

let private signature = "X-Amz-Signature=q1w2e3r4t5y6u7i8"

/// The address in a URL, which has AWS's signature if no query is given.
let private check prefix cell name (url: string) =
    let url = if url.Contains '?' then url else $"{url}?{signature}"
    ObjectAddress.check (ok (Bucket.create "evidence")) (keyOf prefix cell name) (parsed url)

let private word (check: AddressCheck) =
    match check with
    | AddressCheck.Same -> "same"
    | AddressCheck.Unknown -> "unknown"
    | AddressCheck.OtherBucket told -> $"bucket {told}"
    | AddressCheck.OtherKey told -> $"object {told}"

[<Tests>]
let addresses =
    testList "ObjectAddress" [
        table
            "what a presigned URL is for, on AWS's hosts and on others"
            [
                "https://evidence.s3.us-west-2.amazonaws.com/c/a", "same"
                "https://EVIDENCE.s3.us-west-2.amazonaws.com/c/a", "same"
                "https://s3.us-west-2.amazonaws.com/evidence/c/a", "same"
                "https://s3.us-west-2.amazonaws.com/other/c/a", "bucket other"
                "https://s3.us-west-2.amazonaws.com/x/evidence/c/a", "bucket x"
                "https://other.s3.us-west-2.amazonaws.com/c/a", "bucket other"
                "https://evidence.s3.us-west-2.amazonaws.com/evidence/c/a", "object evidence/c/a"
                "https://evidence.s3.us-west-2.amazonaws.com/", "object /"
                "https://evidence.s3.us-west-2.amazonaws.com/c/b", "object c/b"
                "https://evidence.s3.us-west-2.amazonaws.com//c/a", "object /c/a"
                // Access points and their aliases do not name the bucket.
                "https://ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com/c/a", "unknown"
                "https://ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com/c/b", "object c/b"
                "https://ap-abc123-s3alias.s3.us-west-2.amazonaws.com/c/a", "unknown"
                "https://s3.us-west-2.amazonaws.com/ap-abc123-s3alias/c/a", "unknown"
                "https://ap--usw2-az1--xa-s3.s3express-usw2-az1.us-west-2.amazonaws.com/c/a", "unknown"
                "https://s3.us-west-2.amazonaws.com/ap-abc123--op-s3/c/a", "unknown"
                "https://ap-abc123--op-s3.s3.us-west-2.amazonaws.com/c/a", "unknown"
                "https://ap-abc123--ol-s3.s3.us-west-2.amazonaws.com/c/a", "unknown"
                "https://ap-abc123-s3alias.s3.dualstack.us-west-2.amazonaws.com/c/b", "object c/b"
                "https://ap-1.accesspoint.vpce-1a2b.s3.us-west-2.vpce.amazonaws.com/c/a", "unknown"
                // PrivateLink and other partitions.
                "https://bucket.vpce-1a2b.s3.us-west-2.vpce.amazonaws.com/evidence/c/a", "same"
                "https://bucket.vpce-1a2b.s3.us-west-2.vpce.amazonaws.com/other/c/a", "bucket other"
                "https://bucket.vpce-1a2b.s3.us-west-2.vpce.amazonaws.com/ap-1-s3alias/c/a", "unknown"
                "https://evidence.bucket.vpce-1a2b.s3.us-west-2.vpce.amazonaws.com/c/a", "same"
                "https://other.bucket.vpce-1a2b.s3.us-west-2.vpce.amazonaws.com/c/a", "bucket other"
                "https://evidence.s3.eusc-de-east-1.amazonaws.eu/c/a", "same"
                "https://evidence.s3.us-iso-east-1.c2s.ic.gov/c/a", "same"
                "https://s3.us-isob-east-1.sc2s.sgov.gov/evidence/c/a", "same"
                "https://other.s3.eu-isoe-west-1.cloud.adc-e.uk/c/a", "bucket other"
                "https://evidence.s3.us-isof-south-1.csp.hci.ic.gov/c/b", "object c/b"
                // Any other host.
                "http://127.0.0.1:9000/evidence/c/a", "same"
                "http://127.0.0.1:9000/c/a", "unknown"
                "http://127.0.0.1:9000/tenant:evidence/c/a", "same"
                "http://127.0.0.1:9000/tenant%3Aevidence/c/a", "same"
                "http://127.0.0.1:9000/a:b:evidence/c/a", "unknown"
                "http://127.0.0.1:9000/:evidence/c/a", "unknown"
                "http://127.0.0.1:9000/:evidence/c/b", "object /:evidence/c/b"
                "http://127.0.0.1:9000/storage/v1/s3/evidence/c/a", "unknown"
                "https://ref.supabase.co/storage/v1/s3/evidence/c/a", "same"
                "https://ref.storage.supabase.co/storage/v1/s3/evidence/c/a", "same"
                "https://ref.supabase.co/storage/v1/s3/other/c/a", "object /storage/v1/s3/other/c/a"
                "https://supabase.co.example/storage/v1/s3/evidence/c/a", "unknown"
                "https://objectstorage.example/n/ns/b/evidence/o/c/a", "unknown"
                "https://objectstorage.example/n/ns/b/other/o/c/a", "object /n/ns/b/other/o/c/a"
                "http://127.0.0.1:9000/%65vidence/%63/%61", "same"
                "http://127.0.0.1:9000/evidence%2Fc%2Fa", "same"
                "http://127.0.0.1:9000/evidence/c/b", "object /evidence/c/b"
                "http://127.0.0.1:9000/evidence/d/a", "object /evidence/d/a"
                "http://127.0.0.1:9000/other/c/a", "object /other/c/a"
                "http://127.0.0.1:9000/xevidence/c/a", "object /xevidence/c/a"
                "http://127.0.0.1:9000/evidence/c/a/", "object /evidence/c/a/"
                "http://127.0.0.1:9000/evidence/C/a", "object /evidence/C/a"
                "http://127.0.0.1:9000/../evidence/c/a", "object /../evidence/c/a"
                "http://127.0.0.1:9000/x/%2E%2E/evidence/c/a", "object /x/../evidence/c/a"
                "http://127.0.0.1:9000/evidence/c/%ff", "object /evidence/c/%ff"
                "http://127.0.0.1:9000", "object /"
                // AWS's other endpoints.
                "https://other.s3.us-west-2.api.aws/c/a", "bucket other"
                "https://evidence.s3.us-west-2.api.aws/c/a", "same"
                "https://s3.us-west-2.api.aws/evidence/c/a", "same"
                "https://name-123456789012.s3-object-lambda.us-west-2.amazonaws.com/c/a", "unknown"
                "https://name-123456789012.s3-object-lambda.us-west-2.amazonaws.com/c/b", "object c/b"
                "https://other.s3-website-us-west-2.amazonaws.com/c/a", "bucket other"
                "https://other.s3-website.eu-central-1.amazonaws.com/c/a", "bucket other"
                "https://evidence.s3-website.eu-central-1.amazonaws.com/c/a", "same"
                // An address, or one name, is never that of a bucket.
                "http://localhost:9000/c/a", "unknown"
                "http://[::1]:9000/c/a", "unknown"
                "http://minio:9000/c/a", "unknown"
                "http://localhost:9000/evidence/c/a", "same"
                // A path that begins with the bucket has the key as its rest.
                "http://127.0.0.1:9000/evidence/evidence/c/a", "object /evidence/evidence/c/a"
                "http://127.0.0.1:9000/evidence/d/evidence/c/a", "object /evidence/d/evidence/c/a"
                "https://store.example/evidence/x:evidence/c/a", "object /evidence/x:evidence/c/a"
                "https://store.example/tenant:evidence/evidence/c/a", "object /tenant:evidence/evidence/c/a"
                // An unknown prefix may be a proxy's, or another bucket.
                "http://127.0.0.1:9000/backup/evidence/c/a", "unknown"
                "https://store.example//evidence/c/a", "unknown"
                "https://store.example//c/a", "object //c/a"
                "http://127.0.0.1:9000/other/notes:evidence/c/a", "unknown"
                "http://127.0.0.1:9000/x/b/evidence/o/c/a", "unknown"
                "https://gateway.example/s3/evidence/c/a", "unknown"
                // Known forms of an account before the bucket.
                "https://swift.example/v1/AUTH_prod/evidence/c/a?temp_url_sig=a&temp_url_expires=1772370000",
                "same"
                "https://swift.example/swift/v1/evidence/c/a?temp_url_sig=a&temp_url_expires=1772370000",
                "same"
                "https://swift.example/swift/v1/AUTH_prod/evidence/c/a?temp_url_sig=a&temp_url_expires=1772370000",
                "same"
                "https://swift.example/v1/AUTH_prod/evidence/x/evidence/c/a?temp_url_sig=a&temp_url_expires=1772370000",
                "unknown"
                "https://swift.example/v1/prod/evidence/c/a", "unknown"
                "https://swift.example/v1/AUTH_prod/other/c/a?temp_url_sig=a&temp_url_expires=1772370000",
                "object /v1/AUTH_prod/other/c/a"
                "http://127.0.0.1:10000/devstoreaccount1/evidence/c/a?sv=2024-11-04&se=2026-03-02&sr=c&sp=cw&sig=c",
                "same"
                "http://127.0.0.1:10000/devstoreaccount1/c/a?sv=2024-11-04&se=2026-03-02&sr=c&sp=cw&sig=c",
                "object /devstoreaccount1/c/a"
                "https://objectstorage.example/p/t0k3n/n/ns/b/evidence/o/c/a?", "same"
                "https://objectstorage.example/p/t0k3n/n/ns/b/evidence/o/x/c/a?",
                "object /p/REDACTED/n/ns/b/evidence/o/x/c/a"
                "https://storage.googleapis.com/upload/storage/v1/b/evidence/o/c/a", "same"
                "https://storage.googleapis.com/storage/v1/b/other/o/c/a", "bucket other"
                // With a signature of AWS the first segment is the bucket, or a proxy's.
                "https://ceph.example/swift/v1/evidence/c/a", "unknown"
                "https://ceph.example/v1/AUTH_prod/evidence/c/a", "unknown"
                "https://ceph.example/swift/v1/evidence/c/a?AWSAccessKeyId=a&Expires=1772370000&Signature=b",
                "unknown"
                "http://127.0.0.1:9000/devstoreaccount1/evidence/c/a", "unknown"
                "http://127.0.0.1:9000/p/t/n/ns/b/evidence/o/c/a", "unknown"
                // The host may begin with the bucket, or with the same word.
                "https://evidence.minio.example/c/a", "same"
                "https://EVIDENCE.minio.example./c/a", "same"
                "https://evidence.minio.example/c/b", "object /c/b"
                "https://evidence.minio.example/evidence/c/a", "unknown"
                "https://evidence.s3.example.com/c/a", "same"
                "https://evidence.s3.example.com/evidence/c/a", "object /evidence/c/a"
                "https://evidence.s3-eu.example.com/evidence/c/a", "object /evidence/c/a"
                "https://evidence/c/a", "unknown"
                "https://evidence/evidence/c/a", "unknown"
                "https://evidence-store.example/evidence/c/a", "same"
                "https://evidence-store.example/c/a", "unknown"
                "https://other.s3.example.com/c/a", "unknown"
                // Other stores.
                "https://evidence.storage.googleapis.com/c/a", "same"
                "https://other.storage.googleapis.com/c/a", "bucket other"
                "https://storage.googleapis.com/evidence/c/a", "same"
                "https://storage.googleapis.com/c/a", "bucket c"
                "https://evidence.storage.europe-west3.rep.googleapis.com/c/a", "same"
                "https://evidence.oss-cn-hangzhou.aliyuncs.com/c/a", "same"
                "https://other.oss-cn-hangzhou.aliyuncs.com/c/a", "bucket other"
                "https://other.oss-accelerate.aliyuncs.com/c/a", "bucket other"
                "https://evidence.s3.oss-cn-hangzhou.aliyuncs.com/c/a", "same"
                "https://evidence.cn-hangzhou.oss.aliyuncs.com/c/a", "same"
                "https://evidence-1250000000.cos.ap-guangzhou.myqcloud.com/c/a", "same"
                "https://evidence.cos.ap-guangzhou.myqcloud.com/c/a", "same"
                "https://evidence-x1.cos.ap-guangzhou.myqcloud.com/c/a", "bucket evidence-x1"
                "https://other-1250000000.cos.ap-guangzhou.myqcloud.com/c/a", "bucket other-1250000000"
                "https://cos.ap-guangzhou.myqcloud.com/evidence-1250000000/c/a", "same"
                "https://evidence-1250000000.oss-cn-hangzhou.aliyuncs.com/c/a", "bucket evidence-1250000000"
                "https://evidence.obs.eu-west-101.myhuaweicloud.com/c/a", "same"
                "https://other.obs.eu-west-101.myhuaweicloud.com/c/a", "bucket other"
                "https://account.r2.cloudflarestorage.com/evidence/c/a", "same"
                "https://account.r2.cloudflarestorage.com/c/a", "bucket c"
                "https://account.eu.r2.cloudflarestorage.com/evidence/c/a", "same"
                "https://evidence.account.r2.cloudflarestorage.com/c/a", "same"
                "https://other.account.r2.cloudflarestorage.com/c/a", "bucket other"
                "https://evidence.account.eu.r2.cloudflarestorage.com/c/a", "same"
                "https://account.blob.core.windows.net/evidence/c/a", "same"
                "https://account.blob.core.windows.net/c/a", "bucket c"
                "https://evidence.blob.core.windows.net/c/a", "bucket c"
                "https://account.z01.blob.storage.azure.net/evidence/c/a", "same"
                "https://s3.eu-central-003.backblazeb2.com/evidence/c/a", "same"
                "https://other.s3.eu-central-003.backblazeb2.com/c/a", "bucket other"
                "https://storage.googleapis.com/evidence/evidence/c/a", "object /evidence/evidence/c/a"
                "https://storage.googleapis.com/", "object /"
            ]
            (fun (url, _) -> word (check "" "c" "a" url))
            snd

        testCase
            "a host with labels before a store's endpoint is that of the bucket which they are"
            (fun () ->
                for endpoint in
                    [
                        "s3.us-south.cloud-object-storage.appdomain.cloud"
                        "s3.private.us-south.cloud-object-storage.appdomain.cloud"
                        "nyc3.digitaloceanspaces.com"
                        "us-east-1.linodeobjects.com"
                        "ewr1.vultrobjects.com"
                        "ns.compat.objectstorage.us-ashburn-1.oraclecloud.com"
                        "ns.compat.objectstorage.us-ashburn-1.oci.customer-oci.com"
                        "vhcompat.objectstorage.us-ashburn-1.oci.customer-oci.com"
                        "s3.gra.io.cloud.ovh.net"
                        "s3.gra.cloud.ovh.net"
                        "storage.yandexcloud.net"
                        "t3.storage.dev"
                        "fly.storage.tigris.dev"
                        "tos-s3-cn-beijing.volces.com"
                        "tos-cn-beijing.volces.com"
                        "ks3-cn-beijing.ksyuncs.com"
                        "bj.bcebos.com"
                        "s3.bj.bcebos.com"
                        "s3.fr-par.scw.cloud"
                        "sos-de-fra-1.exo.io"
                        "s3.us-west-1.idrivee2.com"
                        "v1u6.la.idrivee2-48.com"
                        "storage-evidence.p.googleapis.com"
                        "fsn1.your-objectstorage.com"
                    ] do
                    let check path = word (check "" "c" "a" path)
                    Expect.equal (check $"http://scratch.{endpoint}/evidence/c/a") "bucket scratch" endpoint
                    Expect.equal (check $"http://evidence.x.{endpoint}/c/a") "bucket evidence.x" endpoint
                    Expect.equal (check $"http://evidence.{endpoint}/c/a") "same" endpoint
                    Expect.equal (check $"http://{endpoint}/evidence/c/a") "same" endpoint
                    Expect.equal (check $"http://{endpoint}/other/c/a") "bucket other" endpoint)

        table
            "a host, or a signature, that may stand for another bucket is not taken for the same"
            [
                "https://other.s3.example.com/evidence/c/a", "unknown"
                "https://other.s3-eu.example.com/evidence/c/a", "unknown"
                "https://other.oss-eu.example.com/evidence/c/a", "unknown"
                "https://other.cos.example.com/evidence/c/a", "unknown"
                "https://other.obs.example.com/evidence/c/a", "unknown"
                "https://other.tos-cn.example.com/evidence/c/a", "unknown"
                "https://a.b.s3.example.com/evidence/c/a", "unknown"
                "https://evidence.logs.s3.example.com/c/a", "unknown"
                "https://other.s3.example.com/tenant:evidence/c/a", "unknown"
                "https://evidence.obs.example.com/c/a", "same"
                "https://s3.example.com/evidence/c/a", "same"
                "https://obs.example.com/evidence/c/a", "same"
                "https://minio.example.org/evidence/c/a", "same"
                "https://cosmos.example.org/evidence/c/a", "same"
                "https://other.s3-eu.amazonaws.com/evidence/c/a", "unknown"
                "https://lb.eu-west-1.elb.amazonaws.com/evidence/c/a", "unknown"
                // A domain of the customer's own is that of one bucket.
                "https://files.example/evidence/c/a?OSSAccessKeyId=a&Expires=1772370000&Signature=c",
                "unknown"
                "https://files.example/evidence/c/a?x-oss-date=20260301T120000Z&x-oss-expires=60&x-oss-signature=c",
                "unknown"
                "https://files.example/evidence/c/a?q-sign-time=1;2&q-signature=c", "unknown"
                "https://files.example/evidence/c/a?AccessKeyId=a&Expires=1772370000&Signature=c", "unknown"
                "https://files.example/evidence/c/a?X-Goog-Signature=ab", "unknown"
                "https://files.example/evidence/c/a?X-Tos-Signature=a", "unknown"
                // The accounts of other protocols are buckets to a store.
                "https://storage.googleapis.com/swift/v1/evidence/o/a.txt", "bucket swift"
                "https://storage.googleapis.com/devstoreaccount1/evidence/o/a.txt", "bucket devstoreaccount1"
                "https://ceph.example/devstoreaccount1/evidence/c/a?temp_url_sig=a&temp_url_expires=1772370000",
                "unknown"
                "https://azure.example/swift/v1/evidence/c/a?sv=2024-11-04&se=2026-03-02&sr=c&sp=cw&sig=c",
                "unknown"
            ]
            (fun (url, _) ->
                let key = if url.Contains "a.txt" then "o", "a.txt" else "c", "a"
                word (key ||> check "" <| url))
            snd

        testCase
            "a URL whose query names another bucket or key to a gateway is not for the same object"
            (fun () ->
                for query, expected in
                    [
                        "bucket=other", AddressCheck.Unknown
                        "key=zzz", AddressCheck.Unknown
                        "bucket=other&key=zzz", AddressCheck.Unknown
                        "bucket=evidence&key=c/b", AddressCheck.Unknown
                        "bucket=evidence&key=c%2Fa", AddressCheck.Same
                        "filename=a", AddressCheck.Same
                        "token=q1w2e3r4", AddressCheck.Same
                    ] do
                    Expect.equal
                        (ObjectAddress.check
                            (ok (Bucket.create "evidence"))
                            (keyOf "" "c" "a")
                            (parsed $"https://gateway.example/evidence/c/a?{query}"))
                        expected
                        query)

        testCase "a key may begin with the bucket" (fun () ->
            for url, expected in
                [
                    "http://127.0.0.1:9000/evidence/report.txt", "unknown"
                    "http://127.0.0.1:9000/evidence/evidence/report.txt", "same"
                    "https://evidence.s3.example.com/evidence/report.txt", "same"
                    "https://evidence.s3.example.com/evidence/evidence/report.txt",
                    "object /evidence/evidence/report.txt"
                    "https://s3.us-west-2.amazonaws.com/evidence/report.txt", "object report.txt"
                ] do
                Expect.equal (word (check "" "evidence" "report.txt" url)) expected url)

        testCase "a key prefix may look like a bucket" (fun () ->
            Expect.equal
                (word (check "audit" "c" "a" "http://127.0.0.1:9000/audit/c/a"))
                "unknown"
                "the bucket audit, or the bucket evidence behind a proxy")

        testCase "a plus sign is itself, escaped or not; a blank is another character" (fun () ->
            for path, expected in
                [
                    "a+b", "same"
                    "a%2Bb", "same"
                    "a%2bb", "same"
                    "a%20b", "object /evidence/c/a b"
                ] do
                Expect.equal (word (check "" "c" "a+b" $"http://h.example/evidence/c/{path}")) expected path)

        testCase "names in any script are compared octet for octet" (fun () ->
            Expect.equal
                (word (check "audit/2026" "c" "é/ü" "http://h.example/evidence/audit/2026/c/%C3%A9/%c3%bc"))
                "same"
                "percent-encoded"

            Expect.equal
                (word (check "" "c" "é" "http://h.example/evidence/c/e%CC%81"))
                "object /evidence/c/e\u0301"
                "decomposed is another key")

        propertyTimes
            500
            "an address that was made for the artifact is usable, and for another one is not the same"
            (gen {
                let! cell, name = Gen.zip cellId artifact
                let! other = artifact
                let! url = Urls.forObject $"{CellId.value cell}/{ArtifactName.value name}"
                return cell, name, other, url
            })
            (fun (cell, name, other, url) ->
                let bucket = ok (Bucket.create "evidence")

                match
                    ObjectKey.create KeyPrefix.none cell name, ObjectKey.create KeyPrefix.none cell other
                with
                | Ok key, Ok otherKey ->
                    Expect.contains
                        [ AddressCheck.Same; AddressCheck.Unknown ]
                        (ObjectAddress.check bucket key url.Request)
                        url.Url

                    if other <> name && RequestUrl.isPresigned url.Request then
                        Expect.notEqual
                            (ObjectAddress.check bucket otherKey url.Request)
                            AddressCheck.Same
                            url.Url
                | _ -> ())

        testCase "a URL without a signature and with another path is its gateway's affair" (fun () ->
            let check url =
                ObjectAddress.check (ok (Bucket.create "evidence")) (keyOf "" "c" "a") (parsed url)

            Expect.equal
                (check "https://gateway.example/up/7f3a?token=q1w2e3r4")
                AddressCheck.Unknown
                "opaque"

            Expect.equal (check "https://gateway.example/c/a") AddressCheck.Unknown "the key, in some bucket"
            Expect.equal (check "https://gateway.example/evidence/c/a") AddressCheck.Same "bucket and key"
            Expect.equal (check "https://gateway.example/evidence/c/b") AddressCheck.Unknown "another key")
    ]

let private at' (text: string) =
    DateTimeOffset.Parse(text, Globalization.CultureInfo.InvariantCulture)

[<Tests>]
let stories =
    let url path =
        $"https://store.example{path}?{signature}"

    let named (target: Target) = {
        target with
            Name = TargetName.create "a-b" |> Result.toOption
    }

    let unchecked' (target: Target) = { target with KeyCheck = false }

    testList "The destination is where the bytes go" [
        for path in
            [
                "/evidence/cell-1/logs/err.txt"
                "/evidence/cell-2/logs/out.txt"
                "/other/cell-1/logs/out.txt"
            ] do
            story $"nothing is sent to {path}" (plan (Some(url path)) named) [ started ] [ "UrlUnusable" ] [
                path
                "s3://evidence/cell-1/logs/out.txt"
                "CELLOS_EXPORT_S3_KEY_CHECK__A_B=off"
                "Nothing was sent."
            ]

        story
            "a URL of a delegate's is compared as well"
            (asked same)
            [ started; Input.UrlGiven(at 0, parsed (url "/evidence/cell-1/logs/err.txt")) ] [
                "ask 1"
                "UrlUnusable"
            ] []

        testCase "without the comparison it is sent, and the receipt says so" (fun () ->
            for path in [ "/evidence/cell-1/logs/err.txt"; "/evidence/cell-1/logs/out.txt" ] do
                let turns = feed (plan (Some(url path)) unchecked') [ started; attempted 1 stored ]

                Expect.isFalse (receipt turns).DestinationChecked path

                Expect.stringContains
                    (Receipt.toJson (receipt turns))
                    "\"destinationChecked\":false"
                    "in JSON")

        testCase "a receipt of a compared URL says nothing of it" (fun () ->
            let turns =
                feed (plan (Some(url "/evidence/cell-1/logs/out.txt")) same) [ started; attempted 1 stored ]

            Expect.isTrue (receipt turns).DestinationChecked "it was compared"
            Expect.isFalse ((Receipt.toJson (receipt turns)).Contains "destinationChecked") "not in JSON")

        testCase
            "a presigned URL that does not show its bucket is sent to, and the receipt says so"
            (fun () ->
                for url in
                    [
                        "http://127.0.0.1:9000/cell-1/logs/out.txt"
                        "https://proxy.example/backup/evidence/cell-1/logs/out.txt"
                        "https://ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com/cell-1/logs/out.txt"
                    ] do
                    let turns =
                        feed (plan (Some $"{url}?{signature}") same) [ started; attempted 1 stored ]

                    Expect.isFalse (receipt turns).DestinationChecked url)

        testCase "a gateway with a path of its own gets no comparison" (fun () ->
            let turns =
                feed (plan (Some "https://gateway.example/up/7f3a?token=q1w2e3r4") same) [
                    started
                    attempted 1 stored
                ]

            Expect.isFalse (receipt turns).DestinationChecked "it could not be compared")
    ]

[<Tests>]
let schemes =
    testList "Signature schemes" [
        table
            "each scheme states its expiry in its own parameters"
            [
                "X-Amz-Date=20260301T120000Z&X-Amz-Expires=60&X-Amz-Signature=a",
                UrlSignature.V4,
                Some "2026-03-01T12:01:00Z"
                "AWSAccessKeyId=a&Signature=b&Expires=1772370000",
                UrlSignature.V2,
                Some "2026-03-01T13:00:00Z"
                "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Date=20260301T120000Z&X-Goog-Expires=900&X-Goog-Signature=ab",
                UrlSignature.Google4,
                Some "2026-03-01T12:15:00Z"
                "GoogleAccessId=a@b.iam&Expires=1772370000&Signature=c",
                UrlSignature.Google2,
                Some "2026-03-01T13:00:00Z"
                "OSSAccessKeyId=a&Expires=1772370000&Signature=c",
                UrlSignature.Oss,
                Some "2026-03-01T13:00:00Z"
                "x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-date=20260301T120000Z&x-oss-expires=60&x-oss-signature=c",
                UrlSignature.Oss4,
                Some "2026-03-01T12:01:00Z"
                "q-sign-algorithm=sha1&q-ak=a&q-sign-time=1772366400;1772370000&q-key-time=1772366400;1772370000&q-signature=c",
                UrlSignature.Cos,
                Some "2026-03-01T13:00:00Z"
                "AccessKeyId=a&Expires=1772370000&Signature=c", UrlSignature.Obs, Some "2026-03-01T13:00:00Z"
                "sv=2024-11-04&se=2026-03-01T13%3A00%3A00Z&sr=b&sp=cw&sig=c",
                UrlSignature.AzureSas,
                Some "2026-03-01T13:00:00Z"
                "sv=2024-11-04&st=2026-03-01&se=2026-03-02&sr=c&sp=cw&sig=c",
                UrlSignature.AzureSas,
                Some "2026-03-02T00:00:00Z"
                "sv=2024-11-04&se=2026-03-01T13:00Z&sig=c", UrlSignature.AzureSas, Some "2026-03-01T13:00:00Z"
                "temp_url_sig=a&temp_url_expires=1772370000",
                UrlSignature.SwiftTempUrl,
                Some "2026-03-01T13:00:00Z"
                "temp_url_sig=a&temp_url_expires=2026-03-01T13:00:00Z",
                UrlSignature.SwiftTempUrl,
                Some "2026-03-01T13:00:00Z"
                // Junk is the same as absence.
                "X-Goog-Date=x&X-Goog-Expires=900&X-Goog-Signature=ab", UrlSignature.Google4, None
                "q-sign-time=1772366400&q-signature=c", UrlSignature.Cos, None
                "sv=1&se=tomorrow&sig=c", UrlSignature.AzureSas, None
                "sig=c", UrlSignature.Unsigned, None
                "Signature=c&Expires=1772370000", UrlSignature.Unknown, Some "2026-03-01T13:00:00Z"
                // What is left of a URL that was mangled is not a gateway's.
                "X-Amz-Algorithm=AWS4-HMAC-SHA256", UrlSignature.Unknown, None
                "a=b&amp%3BX-Amz-Signature=c", UrlSignature.Unknown, None
                "X-Amz-Expires=3600", UrlSignature.Unknown, None
                "X-Amz-Date=20260301T120000Z", UrlSignature.Unknown, None
                "X-Goog-Algorithm=GOOG4-RSA-SHA256", UrlSignature.Unknown, None
                "GoogleAccessId=a@b", UrlSignature.Unknown, None
                "q-sign-algorithm=sha1", UrlSignature.Unknown, None
                "X-Amz-Credential=a", UrlSignature.Unknown, None
                "X-Amz-Signature%3Da%26X-Amz-Date%3Db", UrlSignature.Unknown, None
                "X-Tos-Signature=a", UrlSignature.Unknown, None
                "Key-Pair-Id=a&Policy=b&Signature=c", UrlSignature.Unknown, None
                "token=a&sign=b", UrlSignature.Unsigned, None
            ]
            (fun (query, _, _) ->
                let url = PresignedUrl.inspect (parsed $"https://h.example/p?{query}")
                url.Signature, url.ExpiresAt)
            (fun (_, signature, expiry) -> signature, expiry |> Option.map at')

        testCase "a pre-authenticated request is known by its path" (fun () ->
            Expect.equal
                (PresignedUrl.inspect (parsed "https://objectstorage.example/p/t0ken/n/ns/b/evidence/o/c/a"))
                    .Signature
                UrlSignature.OraclePar
                "Oracle"

            Expect.equal
                (PresignedUrl.inspect (parsed "https://h.example/p/c/a")).Signature
                UrlSignature.Unsigned
                "a folder of this name")

        table
            "the headers that a signature covers, in each scheme's parameter"
            [
                "X-Amz-SignedHeaders=host%3BX-Amz-Acl&X-Amz-Signature=a", [ "host"; "x-amz-acl" ]
                "X-Goog-SignedHeaders=content-type%3Bhost&X-Goog-Signature=a", [ "content-type"; "host" ]
                "x-oss-additional-headers=host&x-oss-signature=a", [ "host" ]
                "q-header-list=host;content-length&q-signature=a", [ "host"; "content-length" ]
            ]
            (fun (query, _) -> (PresignedUrl.inspect (parsed $"https://h.example/p?{query}")).SignedHeaders)
            snd

        for scheme in UrlDefectTests.schemes do
            let url =
                $"https://store.example/evidence/cell-1/logs/out.txt?{UrlDefectTests.query scheme}"

            story
                $"an expired URL is not sent to: {fst scheme.Head}"
                (plan (Some url) same)
                [ Input.Started(noon.AddHours 2., 1000L) ] [ "UrlExpired" ] [
                    "expired at 2026-03-01 13:00:00Z"
                ]
    ]

[<Tests>]
let identities =
    let identity (url: string) = ObjectAddress.identity (parsed url)

    testList "ObjectAddress.identity" [
        for name, urls in
            [
                "case, default port, escapes, dot segments and a dot at the end of the host",
                [
                    "http://store.example/evidence/c/r.txt"
                    "HTTP://STORE.example:80/evidence/c/r.txt"
                    "http://store.example./evidence/c/r.txt"
                    "http://store.example/evidence/c/%72.txt"
                    "http://store.example/evidence/c%2Fr.txt"
                    "http://store.example/evidence/c/./r.txt"
                    "http://store.example/evidence/c/%2e/r.txt"
                    "http://store.example/evidence/x/../c/r.txt"
                    "http://store.example/../evidence/c/r.txt"
                    "http://store.example/evidence/c/r.txt?"
                ]
                "characters that need no escape",
                [
                    "https://[::1]:8443/c/report(1).txt"
                    "https://[0:0::1]:8443/c/report%281%29.txt"
                ]
                "octets that are not UTF-8", [ "https://h.example/c/%ff"; "https://h.example/c/%FF" ]
                "a presigned URL, whatever its signature",
                [
                    $"https://h.example/evidence/c/a?{signature}"
                    "https://h.example/evidence/c/a?X-Amz-Signature=another0another0"
                ]
                "hosts of one bucket",
                [
                    "https://evidence.s3.us-west-2.amazonaws.com/c/a"
                    "https://evidence.s3.dualstack.us-west-2.amazonaws.com/c/%61"
                    "https://s3.us-west-2.amazonaws.com/evidence/c/a"
                ]
                "hosts of one bucket of another store",
                [
                    "https://evidence.storage.googleapis.com/c/a"
                    "https://storage.googleapis.com/evidence/c/a"
                ]
                "a pre-authenticated request, whatever its token",
                [
                    "https://objectstorage.example/p/one-t0k3n/n/ns/b/evidence/o/c/a"
                    "https://objectstorage.example/p/two-t0k3n/n/ns/b/evidence/o/c/a"
                    "https://objectstorage.example/p/REDACTED/n/ns/b/evidence/o/c/a"
                ]
                "the query of a gateway, in another order",
                [ "https://gw.example/put?a=1&key=b"; "https://gw.example/put?key=b&a=1" ]
                "the query of a gateway, in other escapes",
                [ "https://gw.example/put?key=a%2fb"; "https://gw.example/put?k%65y=%61%2Fb" ]
                "the query of a gateway, with empty parameters",
                [
                    "https://gw.example/put?x=1"
                    "https://gw.example/put?x=1&"
                    "https://gw.example/put?&x=1"
                ]
                "the query of a gateway, with an empty value",
                [ "https://gw.example/put?x"; "https://gw.example/put?x=" ]
                "the query of a gateway, with a blank",
                [ "https://gw.example/put?x=a+b"; "https://gw.example/put?x=a%20b" ]
                "an IPv4 address as one of IPv6",
                [
                    "http://127.0.0.1:9000/up"
                    "http://[::ffff:127.0.0.1]:9000/up"
                    "http://[::ffff:7f00:1]:9000/up"
                ]
            ] do
            testCase $"one object: {name}" (fun () ->
                Expect.hasLength (urls |> List.map identity |> List.distinct) 1 name)

        testCase "one object: a bucket in the host and in the path" (fun () ->
            let identityIn url =
                ObjectAddress.identityIn "evidence" (parsed url)

            let same = [
                "http://evidence.s3.corp/c/a"
                "http://EVIDENCE.s3.corp:80/c/a"
                "http://s3.corp/evidence/c/a"
            ]

            Expect.hasLength (same |> List.map identityIn |> List.distinct) 1 "one"

            let others = [
                "http://s3.corp/evidence/c/a"
                "http://evidence.corp/evidence/c/a"
                "http://evidence.corp:8080/c/a"
                "http://evidence2.s3.corp/c/a"
                "http://other.s3.corp/c/a"
            ]

            Expect.hasLength (others |> List.map identityIn |> List.distinct) others.Length "each is another")

        testCase "other objects" (fun () ->
            let urls = [
                "http://store.example/evidence/c/a"
                "https://store.example/evidence/c/a"
                "http://store.example:8080/evidence/c/a"
                "http://other.example/evidence/c/a"
                "http://store.example/evidence/c/A"
                "http://store.example/evidence/c//a"
                "http://store.example/evidence/c/a/"
                "http://store.example/tenant:evidence/c/a"
                "http://store.example/evidence/c/a?key=a"
                "http://store.example/evidence/c/a?key=b"
                "http://store.example/evidence/c/a?key=b%26c=d"
                "http://store.example/evidence/c/a?key=b&c=d"
                "http://store.example/evidence/c/a?key=a%2Bb"
                "http://store.example/evidence/c/a?key=a+b"
                "http://store.example/evidence/c/a+b"
                "http://store.example/evidence/c/a%20b"
                "http://store.example/evidence/c/%252e"
            ]

            Expect.hasLength (urls |> List.map identity |> List.distinct) urls.Length "each is another")
    ]
