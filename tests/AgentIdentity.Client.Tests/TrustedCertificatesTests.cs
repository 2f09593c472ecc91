namespace AgentIdentity.Client.Tests;

public sealed class TrustedCertificatesTests
{
    [Fact]
    public void A_proxy_of_the_environment_does_not_stand_between_an_agent_and_its_registry()
    {
        using var handler = TrustedCertificates.HandlerFor(null);
        Assert.False(handler.UseProxy);
    }
}
