/// An empty place to use the packages in: own home, own packages, no source but folders, and a small S3 to export to.
module Package.Tests.Scene

open System
open System.Collections.Generic
open System.Security.Cryptography
open System.Text.Json
open Expecto
open LoopbackS3
open Package.Tests
open Package.Tests.Support

let private bucket = "evidence"

/// The packages that are under test, those that they depend on, and nothing else. What lies below the folder with
/// this file finds no package anywhere else.
let private sources (packages: string) =
    $"""<configuration>
  <packageSources>
    <clear />
    <add key="made" value="{packages}" />
    <add key="feed" value="{feed}" />
  </packageSources>
</configuration>
"""

type Scene(packages: string, server: LoopbackS3Server) =
    let folder = new Folder()

    do
        folder.Write("nuget.config", sources packages)
        folder.Make "home" |> ignore
        folder.Make "tmp" |> ignore

    member _.Folder = folder

    /// The folder with the packages that are under test.
    member _.Packages = packages

    /// What the environment of a user is who has nothing but .NET, and these besides.
    member _.Variables(more: (string * string) list) : (string * (string | null)) list = [
        "HOME", folder.At "home"
        "DOTNET_CLI_HOME", folder.At "home"
        "NUGET_PACKAGES", folder.At "packages"
        "TMPDIR", folder.At "tmp"
        for name in [ "HTTP_PROXY"; "HTTPS_PROXY"; "ALL_PROXY"; "NO_PROXY" ] do
            name, null
            name.ToLowerInvariant(), null
        for name, value in more do
            name, value
    ]

    member this.Run(command: string, arguments: string list, more: (string * string) list) =
        succeeds folder.Path (this.Variables more) command arguments

    /// A URL for one object.
    member _.Url(key: string) = server.Presign("PUT", bucket, key)

    /// The JSON of a manifest with a URL for each of the names, for one cell.
    member this.Manifest(cell: string, names: string seq) =
        JsonSerializer.Serialize(
            Dictionary [ for name in names -> KeyValuePair(name, this.Url $"{cell}/{name}") ]
        )

    /// The line is a receipt, and the object that it tells of is stored with the bytes that it tells of.
    member _.IsTrue(line: string, key: string, content: byte[]) =
        let receipt = JsonDocument.Parse(line).RootElement
        let text (name: string) = receipt.GetProperty(name).GetString()
        Expect.equal (text "destination") $"s3://{bucket}/{key}" "the address"
        Expect.equal (text "integrity") "etag-md5" "the server confirmed it"
        Expect.equal (text "sha256") (Convert.ToHexStringLower(SHA256.HashData content)) "the digest"
        let stored = server.Objects[struct (bucket, key)]
        Expect.equal stored.Bytes content "the bytes are stored"

    interface IAsyncDisposable with
        member _.DisposeAsync() =
            (folder :> IDisposable).Dispose()
            server.DisposeAsync()

/// Waits for the packages, too.
let scene () =
    task {
        let! packages = Packages.made ()
        let! server = LoopbackS3Server.StartAsync()
        return new Scene(packages, server)
    }
