using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using AgentIdentity.Client;
using AgentIdentity.Interop.Tests;
using AgentIdentity.Server.Tests.Fixtures;
using AgentIdentity.Server.Tests.Gateways;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace AgentIdentity.Server.Tests.OtherPeople;

/// <summary>Gateways that we did not write, set up as docs/operations.md says, in front of a service that knows nothing of agents.</summary>
public sealed class OtherPeoplesGatewaysTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("agentidentity-gateway-");
    private GatewayWorld _world = null!;
    private WebApplication _service = null!;

    public async Task InitializeAsync()
    {
        _world = await GatewayWorld.StartAsync();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        _service = builder.Build();
        // Says what came to it.
        _service.Run(context => context.Response.WriteAsync(JsonSerializer.Serialize(context.Request.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value.ToString()))));
        await _service.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _service.DisposeAsync();
        await _world.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [SkippableTheory]
    [InlineData("nginx")]
    [InlineData("caddy")]
    public async Task A_gateway_lets_an_agent_through_to_a_service_that_knows_none_and_refuses_it_once_it_is_stopped(string program)
    {
        await using var gateway = await StartAsync(program);
        var agent = await _world.EnrolAsync(gateway.Url);
        using var client = new HttpClient(new AgentHttpHandler(agent.Key, _ => ValueTask.FromResult(agent.Credential)));
        // Proofs made in the second in which the registry started may be from before.
        await Task.Delay(TimeSpan.FromSeconds(1.1));

        // The first is sent twice, with the nonce that it was answered.
        using var request = new HttpRequestMessage(HttpMethod.Get, gateway.Url + "/notes/1?sort=up");
        request.Headers.Add("X-Agent-Did", "did:web:somebody.else");
        using var allowed = await client.SendAsync(request);
        var seen = JsonSerializer.Deserialize<Dictionary<string, string>>(await allowed.Content.ReadAsStringAsync())!;
        Assert.Equal((HttpStatusCode.OK, agent.Did), (allowed.StatusCode, seen["x-agent-did"]));
        Assert.DoesNotContain("authorization", seen);
        Assert.DoesNotContain("dpop", seen);

        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(client, gateway.Url + "/admin/1"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(client, gateway.Url + "/notes/2"));
        await _world.Registry.StopAgentAsync(agent.Did);
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(client, gateway.Url + "/notes/2"));
    }

    [SkippableTheory]
    [InlineData("nginx")]
    [InlineData("caddy")]
    public async Task Who_shows_nothing_is_challenged_and_what_it_claims_of_its_request_is_not_believed(string program)
    {
        await using var gateway = await StartAsync(program);
        var agent = await _world.EnrolAsync(gateway.Url);
        using var stranger = new HttpClient();
        using var nothing = await stranger.GetAsync(gateway.Url + "/notes/1");
        Assert.Equal((HttpStatusCode.Unauthorized, "DPoP"), (nothing.StatusCode, Assert.Single(nothing.Headers.WwwAuthenticate).Scheme));
        Assert.Single(nothing.Headers.GetValues("DPoP-Nonce"));

        // A proof for what it may do, sent to where it may not.
        await Task.Delay(TimeSpan.FromSeconds(1.1));
        using var liar = new HttpClient(new AgentHttpHandler(agent.Key, _ => ValueTask.FromResult(agent.Credential)));
        using var request = new HttpRequestMessage(HttpMethod.Get, gateway.Url + "/admin/1");
        request.Headers.Add("X-Forwarded-Uri", "/notes/1");
        request.Headers.Add("X-Forwarded-Method", "GET");
        using var answer = await liar.SendAsync(request);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [SkippableTheory]
    [InlineData("nginx")]
    [InlineData("caddy")]
    public async Task A_gateway_that_reaches_no_registry_lets_nobody_through(string program)
    {
        await using var gateway = await StartAsync(program);
        var agent = await _world.EnrolAsync(gateway.Url);
        using var client = new HttpClient(new AgentHttpHandler(agent.Key, _ => ValueTask.FromResult(agent.Credential)));
        await _world.DisposeAsync();
        Assert.InRange((int)await StatusAsync(client, gateway.Url + "/notes/1"), 500, 599);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string url)
    {
        using var response = await client.GetAsync(url);
        return response.StatusCode;
    }

    private Task<Gateway> StartAsync(string program)
    {
        var files = _world.WriteFiles(_folder.FullName);
        var (port, service) = (FreePort.Find(), new Uri(_service.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port);
        var settings = program switch
        {
            "nginx" => NginxSettings(port, service, files),
            _ => CaddySettings(port, service, files),
        };
        var file = Path.Combine(_folder.FullName, program + ".conf");
        File.WriteAllText(file, settings);
        return Gateway.StartAsync(program, program == "nginx" ? ["-p", _folder.FullName, "-c", file, "-e", "stderr", "-g", "daemon off;"] : ["run", "--config", file, "--adapter", "caddyfile"], _folder.FullName, port);
    }

    // docs/operations.md, "Gateways", with what a program of its own needs around it.
    private string NginxSettings(int port, int service, (string Certificate, string Key, string Trusted) files) => $$"""
        pid nginx.pid;
        worker_processes 1;
        events {}
        http {
            access_log off;
            client_body_temp_path body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            upstream agentidentity {
                server {{new Uri(_world.Registry.HttpUrl).Authority}};
                keepalive 16;
            }
            server {
                listen 127.0.0.1:{{port}};
                auth_request /agents;
                auth_request_set $agent_did $upstream_http_x_agent_did;
                auth_request_set $agent_nonce $upstream_http_dpop_nonce;
                add_header DPoP-Nonce $agent_nonce always;
                location / {
                    proxy_set_header X-Agent-Did $agent_did;
                    proxy_set_header Authorization "";
                    proxy_set_header DPoP "";
                    proxy_pass http://127.0.0.1:{{service}};
                }
                location = /agents {
                    internal;
                    auth_request off;
                    proxy_pass https://agentidentity/auth?origin=http://127.0.0.1:{{port}};
                    proxy_http_version 1.1;
                    proxy_set_header Connection "";
                    proxy_pass_request_body off;
                    proxy_set_header Content-Length "";
                    proxy_set_header X-Forwarded-Method $request_method;
                    proxy_set_header X-Forwarded-Uri $request_uri;
                    proxy_connect_timeout 2s;
                    proxy_read_timeout 5s;
                    proxy_ssl_certificate {{files.Certificate}};
                    proxy_ssl_certificate_key {{files.Key}};
                    proxy_ssl_trusted_certificate {{files.Trusted}};
                    proxy_ssl_verify on;
                    proxy_ssl_name localhost;
                }
            }
        }
        """;

    private string CaddySettings(int port, int service, (string Certificate, string Key, string Trusted) files) => $$"""
        {
            admin off
            auto_https off
            storage file_system {{_folder.FullName}}
        }
        http://127.0.0.1:{{port}} {
            forward_auth {{_world.Registry.HttpUrl}} {
                uri /auth?origin=http://127.0.0.1:{{port}}
                copy_headers X-Agent-Did
                transport http {
                    tls_client_auth {{files.Certificate}} {{files.Key}}
                    tls_trusted_ca_certs {{files.Trusted}}
                    tls_server_name localhost
                }
            }
            reverse_proxy 127.0.0.1:{{service}} {
                header_up -Authorization
                header_up -DPoP
            }
        }
        """;

    private sealed class Gateway : IAsyncDisposable
    {
        private readonly Process _process;

        private Gateway(Process process, int port) => (_process, Url) = (process, $"http://127.0.0.1:{port}");

        public string Url { get; }

        public static async Task<Gateway> StartAsync(string program, string[] words, string home, int port)
        {
            var path = new[] { "usr/sbin", "usr/bin" }.Select(folder => Path.Combine(Repository.Root, "tests/interop/gateways", folder, program)).FirstOrDefault(File.Exists);
            Skip.If(path is null, $"{program} is not there: run tests/install.");
            var start = new ProcessStartInfo(path!, words) { Environment = { ["HOME"] = home, ["XDG_DATA_HOME"] = home, ["XDG_CONFIG_HOME"] = home }, RedirectStandardError = true, RedirectStandardOutput = true };
            var said = new System.Text.StringBuilder();
            var process = Process.Start(start)!;
            void Keep(object _, DataReceivedEventArgs line)
            {
                lock (said)
                    said.AppendLine(line.Data);
            }
            process.ErrorDataReceived += Keep;
            process.OutputDataReceived += Keep;
            process.BeginErrorReadLine();
            process.BeginOutputReadLine();
            var gateway = new Gateway(process, port);
            for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience && !process.HasExited; await Task.Delay(50))
            {
                if (await IsOpenAsync(port))
                    return gateway;
            }
            await gateway.DisposeAsync();
            throw new InvalidOperationException($"{program} does not open its port, and says:\n{said}");
        }

        public async ValueTask DisposeAsync()
        {
            if (!_process.HasExited)
                _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        private static async Task<bool> IsOpenAsync(int port)
        {
            using var probe = new TcpClient();
            try
            {
                await probe.ConnectAsync(IPAddress.Loopback, port);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        }
    }
}
