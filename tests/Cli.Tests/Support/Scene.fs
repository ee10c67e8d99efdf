/// A server, a folder with evidence, a spec and its environment.
module Cli.Tests.Scene

open System
open System.Collections.Generic
open System.IO
open System.Security.Cryptography
open System.Text.Json
open Expecto
open LoopbackS3
open Cli.Tests.Support

let bucket = "my-cellos-evidence"
let suffix = "__ARTIFACT_BUCKET"
let urlVariable = "CELLOS_EXPORT_S3_PRESIGNED_URL" + suffix
let urlsFileVariable = "CELLOS_EXPORT_S3_PRESIGNED_URLS_FILE" + suffix
let legacyVariable = "CELLOS_EXPORT_HTTP_BASE_URL" + suffix

/// A signature that must be seen nowhere.
let secret = "0123456789abcdef0123"

/// The spec of the seed, word for word.
let seedSpec =
    """export:
  targets:
    - name: artifact-bucket
      kind: s3
      bucket: my-cellos-evidence
      region: us-west-2
"""

let sha256 (bytes: byte[]) =
    Convert.ToHexStringLower(SHA256.HashData bytes)

type Scene(server: LoopbackS3Server) =
    let folder = new Folder()
    let spec = folder.Write("cell.yaml", seedSpec)
    member _.Server = server
    member _.Folder = folder
    member _.Spec = spec

    /// The seed's three lines, with an endpoint on loopback: a gateway that authorizes by itself.
    member _.SeedVariables = [
        urlVariable, $"{server.Endpoint}{bucket}/{{cell_id}}/{{artifact_name}}?X-Amz-Signature={secret}"
        "CELLOS_EXPORT_S3_MAX_ATTEMPTS" + suffix, "3"
        "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS" + suffix, "500"
    ]

    /// A manifest with a presigned URL for each name.
    member _.Manifest(cell: string, names: string seq) =
        let urls = Dictionary<string, string>()

        for name in names do
            urls[name] <- server.Presign("PUT", bucket, $"{cell}/{name}")

        let path = folder.Write("urls.json", JsonSerializer.Serialize urls)
        [ urlsFileVariable, path; "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS" + suffix, "0" ]

    member _.Stored(key: string) =
        match server.Objects.TryGetValue(struct (bucket, key)) with
        | true, stored -> Some stored
        | _ -> None

    /// What every true receipt says.
    member this.IsTrue(receipt: JsonElement) =
        let text (name: string) =
            nonNull (receipt.GetProperty(name).GetString())

        let destination = text "destination"
        Expect.stringStarts destination $"s3://{bucket}/" "the address"
        let key = destination.Substring($"s3://{bucket}/".Length)
        let stored = Expect.wantSome (this.Stored key) $"an object {key}"
        Expect.equal stored.Sha256 (text "sha256") "its SHA-256"
        Expect.equal stored.Length (receipt.GetProperty("bytesWritten").GetInt64()) "its length"

    interface IAsyncDisposable with
        member _.DisposeAsync() =
            (folder :> IDisposable).Dispose()
            server.DisposeAsync()

let sceneBehind (isGateway: bool) =
    task {
        let! server =
            LoopbackS3Server.StartAsync(
                LoopbackS3Options(Buckets = [| Bucket(bucket, IsBehindGateway = isGateway) |])
            )

        return new Scene(server)
    }

let scene () = sceneBehind false

/// Gives a scene the targets `one` and `two` of one bucket, and artifacts by name, path and target.
let twoTargets (scene: Scene) (artifacts: (string * string * string) list) =
    let lines = [
        for target in [ "one"; "two" ] do
            $"    - {{name: {target}, kind: s3, bucket: {bucket}}}"
        "  artifacts:"
        for name, path, target in artifacts do
            $"    - {{name: {name}, path: {path}, target: {target}}}"
    ]

    File.WriteAllText(scene.Spec, String.concat "\n" ("export:" :: "  targets:" :: lines) + "\n")

/// The JSON objects of some lines.
let objects (output: string) : JsonElement list =
    output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
    |> Seq.map (fun line -> JsonDocument.Parse(line).RootElement)
    |> List.ofSeq

let text (name: string) (json: JsonElement) =
    match json.TryGetProperty name with
    | true, value -> string value
    | _ -> ""
